package feature

// CloseAccount is what a close knows beside its rows: where they came from and what did not become a row. It goes
// into the slice manifest of one shard.
type CloseAccount struct {
	Inputs   []CloseInput
	Records  int64 // records of the cuts that this shard reports (a partition reports to one shard only)
	Late     int64 // late rows' flows in this shard
	Rejected map[string]int64
	// CloseConfig and IngestConfigs are digests of the configuration in force; Baseline names the publication.
	CloseConfig   string
	IngestConfigs []string
	Baseline      string
}

// CloseInput is the cuts of one partition that a close consumed.
type CloseInput struct {
	Source, Partition string
	FirstCut, LastCut uint64
	From, To          int64    // positions
	Digests           []string // content digests of the cuts, in order
}
