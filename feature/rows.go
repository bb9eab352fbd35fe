package feature

// HostRow is what one cut adds to a (slice, host, role). In the late section of a cut it is the same row, for a
// slice that the partition's watermark had passed.
type HostRow struct {
	Slice    Slice
	Host     Addr
	Role     Role
	Counters HostCounters
}

// PairRow is what one cut adds to a (slice, host, role, peer, port).
type PairRow struct {
	Slice    Slice
	Host     Addr
	Role     Role
	Peer     Addr
	Port     uint16
	Counters PairCounters
}

// Reject is a record or an item that could not be used. Raw holds at most its first 1024 bytes.
type Reject struct {
	Position int64 // of the record in its partition
	Item     int   // of the item in the record
	Reason   string
	Detail   string
	Raw      []byte
}

// LateRow is a late row with the cut that brought it.
type LateRow struct {
	HostRow
	Partition string
	Cut       uint64
}

// Section is what one cut holds for one shard. Hosts, Pairs and Late are sorted by (slice, host, role, peer, port)
// with addresses in address order, and their keys are unique within each list.
type Section struct {
	Hosts   []HostRow
	Pairs   []PairRow
	Late    []HostRow
	Rejects []Reject // only in the section of the shard that publishes the partition's rejects
}

// CloseVisitor receives the state of one shard at the close of a slice: first every host in address order, with
// its roles (inbound first) and their pairs in (peer, port) order, then the late rows in (host, role, slice,
// partition, cut) order and the rejects in (partition, cut, position, item) order.
type CloseVisitor interface {
	// BeginHost starts a host that has at least one closed slice among the last 96, or pairs still remembered.
	BeginHost(host Addr) error
	// BeginRole hands over the closed slices of the role within the last 96, ascending, the closing slice
	// included when the role has flows in it. The slice is valid until EndHost.
	BeginRole(role Role, ring []DeltaEntry) error
	// Pair hands over one pair of the current role. It is valid during the call.
	Pair(p *PairView) error
	// EndHost ends the host.
	EndHost() error
	// Late and Reject hand over what the cuts of this close brought beside rows.
	Late(row *LateRow) error
	Reject(partition string, cut uint64, r *Reject) error
}
