package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestDescribe(t *testing.T) {
	c := cluster(t, 3)
	produce(t, client(t, c), 3, 0, 10)
	if err := c.DeleteRecords(testTopic, 1, 4); err != nil {
		t.Fatal(err)
	}
	d, err := source(t, config(c)).Describe(limit(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.ID) != 32 || strings.Count(d.ID, "0") == 32 {
		t.Errorf("topic id %q", d.ID)
	}
	if diff := cmp.Diff(d.Partitions, []string{"0", "1", "2"}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(d.Earliest, []int64{0, 4, 0}); diff != "" {
		t.Error(diff)
	}
	cfg := config(c)
	cfg.Topic = "absent"
	_, err = source(t, cfg).Describe(limit(t))
	wantError(t, err, kerr.UnknownTopicOrPartition, "topic absent")
}

// TestSignIn wants wrong credentials to fail at once, and to say so.
func TestSignIn(t *testing.T) {
	c := cluster(t, 1, kfake.EnableSASL(), kfake.Superuser("PLAIN", "bob", "bob-secret"),
		kfake.Superuser("SCRAM-SHA-256", "alice", "alice-secret"), kfake.Superuser("SCRAM-SHA-512", "carol", "carol-secret"))
	for _, tt := range []struct {
		name  string
		sasl  SASL
		error string
	}{
		{"plain", SASL{"PLAIN", "bob", "bob-secret"}, ""},
		{"scram 256", SASL{"SCRAM-SHA-256", "alice", "alice-secret"}, ""},
		{"scram 512", SASL{"SCRAM-SHA-512", "carol", "carol-secret"}, ""},
		{"wrong password", SASL{"PLAIN", "bob", "x"}, "credentials"},
		{"wrong scram password", SASL{"SCRAM-SHA-512", "carol", "x"}, "credentials"},
		{"none", SASL{}, "SASL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(c)
			cfg.SASL = tt.sasl
			began := time.Now()
			_, err := source(t, cfg).Describe(limit(t))
			if (err == nil) != (tt.error == "") || err != nil && !strings.Contains(err.Error(), tt.error) {
				t.Errorf("error %v, want %q", err, tt.error)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ca, caKey := certificate(t, nil, nil, filepath.Join(dir, "ca"))
	certificate(t, ca, caKey, filepath.Join(dir, "server"))
	certificate(t, ca, caKey, filepath.Join(dir, "client"))
	certificate(t, nil, nil, filepath.Join(dir, "other"))
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	c := cluster(t, 1, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}))
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, tt := range []struct {
		name  string
		tls   TLS
		error string
	}{
		{"both sides", TLS{true, path("ca.pem"), path("client.pem"), path("client.key"), ""}, ""},
		{"unknown authority", TLS{true, path("other.pem"), path("client.pem"), path("client.key"), ""}, "unknown authority"},
		{"other name", TLS{true, path("ca.pem"), path("client.pem"), path("client.key"), "kafka.example"}, "kafka.example"},
		{"no file", TLS{true, path("absent.pem"), "", "", ""}, "ca_file"},
		{"no certificate", TLS{true, path("server.key"), "", "", ""}, "no certificate"},
		{"key of another", TLS{true, path("ca.pem"), path("client.pem"), path("server.key"), ""}, "cert_file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(c)
			cfg.TLS = tt.tls
			_, err := source(t, cfg).Describe(limit(t))
			if (err == nil) != (tt.error == "") || err != nil && !strings.Contains(err.Error(), tt.error) {
				t.Errorf("error %v, want %q", err, tt.error)
			}
		})
	}
}

// certificate writes a certificate of ca, or one that signs itself, and its key.
func certificate(t *testing.T, ca *x509.Certificate, caKey *ecdsa.PrivateKey, path string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: filepath.Base(path)}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ca == nil {
		tmpl.IsCA, tmpl.KeyUsage, ca, caKey = true, x509.KeyUsageCertSign, tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		path + ".pem": {Type: "CERTIFICATE", Bytes: der}, path + ".key": {Type: "PRIVATE KEY", Bytes: pkcs8},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func TestValidate(t *testing.T) {
	good := Config{Brokers: []string{"b:9092"}, Topic: "t"}
	for name, tt := range map[string]struct {
		change func(*Config)
		faults []string
	}{
		"good":      {func(*Config) {}, nil},
		"empty":     {func(c *Config) { *c = Config{} }, []string{"no brokers", "no topic"}},
		"memory":    {func(c *Config) { c.Memory = 1 << 20 }, []string{"memory 1048576"}},
		"both":      {func(c *Config) { c.Group, c.Ranges = "g", []Range{{0, 0, 1}} }, []string{`group "g"`}},
		"ranges":    {func(c *Config) { c.Ranges = []Range{{0, 5, 1}, {0, 0, 1}} }, []string{"range 0:5-1", "two ranges"}},
		"times":     {func(c *Config) { c.From, c.To = time.Unix(2, 0), time.Unix(1, 0) }, []string{"before it begins"}},
		"mechanism": {func(c *Config) { c.SASL.Mechanism = "GSSAPI" }, []string{`"GSSAPI"`, "without user"}},
		"key":       {func(c *Config) { c.TLS.CertFile = "x" }, []string{`cert_file "x"`}},
		"instance":  {func(c *Config) { c.InstanceID = "i" }, []string{"without a group"}},
	} {
		cfg := good
		tt.change(&cfg)
		err := cfg.Validate()
		if (err == nil) != (tt.faults == nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, f := range tt.faults {
			if !strings.Contains(err.Error(), f) {
				t.Errorf("%s: %v does not say %q", name, err, f)
			}
		}
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	s := source(t, Config{Brokers: []string{addr}, Topic: testTopic})
	_, err = s.Describe(limit(t))
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v", err)
	}
	if value(t, s.metrics.Errors.WithLabelValues("connect")) < 1 {
		t.Error("failed connections are not counted")
	}
}
