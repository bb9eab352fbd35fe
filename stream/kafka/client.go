package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// fetchWait is how long a broker may hold an empty fetch. With more brokers than maxFetches, the others wait for it.
const fetchWait = 500 * time.Millisecond

// connection is what every client of the source needs to reach the cluster.
func (s *Source) connection() ([]kgo.Opt, error) {
	c := &s.cfg
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...), kgo.ClientID("ndr"), kgo.WithLogger(clientLog{s.deps.Log}),
		kgo.WithHooks(s.metrics), kgo.MetadataMaxAge(c.Refresh), kgo.MetadataMinAge(min(time.Second, c.Refresh)),
		kgo.DialTimeout(5 * time.Second),
	}
	if c.TLS.Enabled {
		conf, err := c.TLS.load()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	switch user, password := c.SASL.User, c.SASL.Password; c.SASL.Mechanism {
	case "PLAIN":
		opts = append(opts, kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()))
	case "SCRAM-SHA-256":
		opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha512Mechanism()))
	}
	return opts, nil
}

// admin makes a client that reads no records.
func (s *Source) admin() (*kgo.Client, error) {
	opts, err := s.connection()
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(opts...)
}

// fetcher makes the client that reads the partitions it is told to. Control records are kept because the position
// after them tells that the end of the log is reached, when the log ends with the marker of a transaction.
func (s *Source) fetcher() (*kgo.Client, error) {
	opts, err := s.connection()
	if err != nil {
		return nil, err
	}
	b := split(s.cfg.Memory)
	return kgo.NewClient(append(opts,
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.WithPools(&pool{}), kgo.FetchMaxWait(fetchWait), kgo.MaxConcurrentFetches(b.fetches), kgo.FetchMaxBytes(b.fetchBytes),
		kgo.FetchMaxPartitionBytes(b.partBytes), kgo.MaxDecompressBatchBytes(b.batchBytes))...)
}

// load reads the files.
func (t *TLS) load() (*tls.Config, error) {
	conf := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read tls ca_file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read tls ca_file %s: no certificate in PEM form in it", t.CAFile)
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read tls cert_file %s and key_file %s: %w", t.CertFile, t.KeyFile, err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// explain adds to an error of the client what it does not say: why connections failed, which it often hides behind a
// deadline, and what a connection means that the broker closes without a word.
func (s *Source) explain(err error) error {
	if last := s.metrics.lastConnectError(); last != nil && !errors.Is(err, last) {
		err = fmt.Errorf("%w (last failed connection: %w)", err, last)
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w (the broker closed the connection: it may want TLS, SASL, or other credentials than those of user %q)", err, s.cfg.SASL.User)
	}
	return err
}

// clientLog writes the warnings of the client to the log.
type clientLog struct{ log *slog.Logger }

func (clientLog) Level() kgo.LogLevel { return kgo.LogLevelWarn }

func (l clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if level == kgo.LogLevelError {
		l.log.Error("kafka client: "+msg, keyvals...)
		return
	}
	l.log.Warn("kafka client: "+msg, keyvals...)
}
