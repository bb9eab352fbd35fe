package feature

// Role is the side of a flow on which a host stands. The order is that of the names, which is the order of the
// published rows.
type Role uint8

const (
	Inbound  Role = 0 // the host is the destination
	Outbound Role = 1 // the host is the source
)

// String is the role as the tables write it.
func (r Role) String() string {
	if r == Outbound {
		return "outbound"
	}
	return "inbound"
}

// Prefix is the prefix of the role's columns in FG-A and FG-C.
func (r Role) Prefix() string {
	if r == Outbound {
		return ""
	}
	return "in_"
}
