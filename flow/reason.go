package flow

// The values of Record.Reason that decoders set by themselves; docs/formats.md lists the whole
// vocabulary. They are shared and never written to.
var (
	reasonTCPFin         = []byte("tcp-fin")
	reasonRSTFromClient  = []byte("tcp-rst-from-client")
	reasonRSTFromServer  = []byte("tcp-rst-from-server")
	reasonAgedOut        = []byte("aged-out")
	reasonNoReply        = []byte("no-reply")
	reasonConnRefused    = []byte("conn-refused")
	reasonHalfOpen       = []byte("half-open")
	reasonMidstream      = []byte("midstream")
	reasonActive         = []byte("active")
	reasonWindowEnd      = []byte("window-end")
	reasonThreat         = []byte("threat")
	reasonACLDeny        = []byte("acl-deny")
	reasonEncryptionDeny = []byte("encryption-deny")
)

// Values of Record.ObserverType, one for each decoder, since byte counters are not comparable across them. They
// are shared and never written to.
var (
	observerZeek     = []byte("zeek")
	observerSuricata = []byte("suricata")
	observerVPC      = []byte("aws-vpc")
)

// Values of Record.ThreatDirection, in the words of PAN-OS. They are shared and never written to.
var (
	directionToServer = []byte("client-to-server")
	directionToClient = []byte("server-to-client")
)
