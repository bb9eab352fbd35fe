package synth

// appID is an application, an index of apps.
type appID uint8

const (
	appIncomplete appID = iota // a TCP handshake that did not come about
	appNone                    // denied before anything was seen
	appTLS
	appHTTP
	appQUIC
	appDNS
	appSMB
	appLDAP
	appKerberos
	appIMAP
	appSMTP
	appPrint
	appNTP
	appPing
	appSSH
	appRDP
	appSQL
	appSNMP
	appProxy
	appRPC
	appWinRM
	appCall
	appBackup
)

// IP protocols.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// app is what an application is called and how its sessions look. Bytes count IP headers.
type app struct {
	name     []byte  // of PAN-OS
	zeek     string  // service; empty if Zeek names none
	suricata string  // app_proto; empty if Suricata names none
	proto    uint8   // protoICMP stands for ICMPv6 too
	port     uint16  // of the responder
	up, down float64 // median bytes of the initiator and of the responder
	spread   float64 // sigma of the logarithm of the bytes
	seconds  float64 // mean duration
}

var apps = [...]app{
	appIncomplete: {[]byte("incomplete"), "", "", protoTCP, 0, 60, 0, 0, 0},
	appNone:       {[]byte("not-applicable"), "", "", protoTCP, 0, 60, 0, 0, 0},
	appTLS:        {[]byte("ssl"), "ssl", "tls", protoTCP, 443, 1900, 12000, 1.3, 8},
	appHTTP:       {[]byte("web-browsing"), "http", "http", protoTCP, 80, 900, 8000, 1.2, 4},
	appQUIC:       {[]byte("quic"), "quic", "quic", protoUDP, 443, 2600, 20000, 1.3, 15},
	appDNS:        {[]byte("dns"), "dns", "dns", protoUDP, 53, 72, 170, 0.3, 0.02},
	appSMB:        {[]byte("ms-ds-smbv3"), "smb", "smb", protoTCP, 445, 20000, 60000, 1.7, 60},
	appLDAP:       {[]byte("ldap"), "ldap", "ldap", protoTCP, 389, 3000, 9000, 0.8, 3},
	appKerberos:   {[]byte("kerberos"), "krb_tcp", "krb5", protoTCP, 88, 1700, 1800, 0.2, 0.05},
	appIMAP:       {[]byte("imap"), "ssl", "tls", protoTCP, 993, 6000, 30000, 1.2, 40},
	appSMTP:       {[]byte("smtp"), "smtp", "smtp", protoTCP, 25, 20000, 1300, 1.4, 3},
	appPrint:      {[]byte("hp-jetdirect"), "", "", protoTCP, 9100, 200000, 3000, 1, 10},
	appNTP:        {[]byte("ntp"), "ntp", "ntp", protoUDP, 123, 76, 76, 0, 0.03},
	appPing:       {[]byte("ping"), "", "", protoICMP, 0, 240, 240, 0, 3},
	appSSH:        {[]byte("ssh"), "ssh", "ssh", protoTCP, 22, 30000, 200000, 1.4, 1500},
	appRDP:        {[]byte("ms-rdp"), "rdp", "rdp", protoTCP, 3389, 500000, 5e6, 1, 2400},
	appSQL:        {[]byte("mssql-db"), "", "", protoTCP, 1433, 4000, 20000, 1.2, 5},
	appSNMP:       {[]byte("snmp"), "snmp", "snmp", protoUDP, 161, 220, 400, 0.2, 0.05},
	appProxy:      {[]byte("http-proxy"), "http", "http", protoTCP, 3128, 2100, 13000, 1.3, 8},
	appRPC:        {[]byte("msrpc"), "dce_rpc", "dcerpc", protoTCP, 135, 1200, 1100, 0.4, 2},
	appWinRM:      {[]byte("winrm"), "http", "http", protoTCP, 5985, 8000, 20000, 1, 20},
	appCall:       {[]byte("stun"), "", "", protoUDP, 3478, 5e6, 15e6, 0.8, 1500},
	appBackup:     {[]byte("veeam"), "", "", protoTCP, 10006, 3e6, 4e9, 0.5, 1200},
}

// appByName finds an application by its PAN-OS name.
func appByName(name []byte) *app {
	for i := range apps {
		if string(apps[i].name) == string(name) {
			return &apps[i]
		}
	}
	return &apps[appNone]
}

// threat is what a THREAT record reports.
type threat struct {
	category, name, severity []byte
	block                    bool
}

// threats are indexed by event.threat - 1.
var threats = [...]threat{
	{[]byte("url"), []byte("uncategorised-site(9999)"), []byte("informational"), false},
	{[]byte("spyware"), []byte("Suspicious TLS Evasion Found(14978)"), []byte("low"), false},
	{[]byte("vulnerability"), []byte("HTTP Unauthorized Error(34556)"), []byte("medium"), false},
	{[]byte("spyware"), []byte("Suspicious Domain(12000)"), []byte("high"), true},
	{[]byte("scan"), []byte("SCAN: TCP Port Scan(8001)"), []byte("medium"), false},
}

const (
	commonThreats = 4 // those that user traffic meets
	threatScan    = 5
)
