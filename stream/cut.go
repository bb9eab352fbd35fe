package stream

import (
	"encoding/json"
	"fmt"
	"math"

	"ndr/feature"
)

const (
	// CutFormat is the version of the cut object that this build writes. It reads this one and the next.
	CutFormat = 1
	// NoWatermark is the watermark of a partition of which nothing is known yet.
	NoWatermark = math.MinInt64
	// EndOfInput is the watermark of the last cut of a bounded input: past every slice.
	EndOfInput = math.MaxInt64
)

// Counters account for every record and item of a cut. See Check for the equations.
type Counters struct {
	Records     int64            `json:"records"`
	Decoded     int64            `json:"decoded"`
	Undecodable int64            `json:"undecodable"`
	Items       int64            `json:"items"`    // in decoded records
	CarryIn     int64            `json:"carry_in"` // halves that waited when the cut began
	Accepted    int64            `json:"accepted"` // flows with a row in an open slice
	Late        int64            `json:"late"`
	Absorbed    int64            `json:"absorbed"` // halves that went into the flow of their mirror
	CarryOut    int64            `json:"carry_out"`
	Unpaired    int64            `json:"unpaired"` // halves that became flows without a mirror; part of accepted or late
	Overflow    int64            `json:"carry_overflow"`
	Rejected    map[string]int64 `json:"rejected,omitempty"` // by reason, undecodable records not included
	Filtered    map[string]int64 `json:"filtered,omitempty"` // by reason
	RoleRows    int64            `json:"role_contributions"` // sessions over the host rows and late rows of the cut
	Expected    int64            `json:"role_expected"`      // internal ends of the accepted and late flows
	// LateSaved is the allowed lateness, in nanoseconds, that would have saved the latest of the late flows.
	LateSaved int64 `json:"late_saved_nanos,omitempty"`
}

// Add adds o to c, but for the carry: what one cut carries out, the next one carries in.
func (c *Counters) Add(o *Counters) {
	c.Records += o.Records
	c.Decoded += o.Decoded
	c.Undecodable += o.Undecodable
	c.Items += o.Items
	c.Accepted += o.Accepted
	c.Late += o.Late
	c.Absorbed += o.Absorbed
	c.Unpaired += o.Unpaired
	c.Overflow += o.Overflow
	c.RoleRows += o.RoleRows
	c.Expected += o.Expected
	c.LateSaved = max(c.LateSaved, o.LateSaved)
	c.Rejected = addCounts(c.Rejected, o.Rejected)
	c.Filtered = addCounts(c.Filtered, o.Filtered)
}

func addCounts(into, from map[string]int64) map[string]int64 {
	if into == nil && len(from) > 0 {
		into = make(map[string]int64, len(from))
	}
	for k, v := range from {
		into[k] += v
	}
	return into
}

// Check verifies that nothing was lost: every record was decoded or counted as undecodable, every item has one
// fate, and the rows hold exactly the contributions of the flows.
func (c *Counters) Check() error {
	if c.Records != c.Decoded+c.Undecodable {
		return fmt.Errorf("conservation broken: %d records, %d decoded + %d undecodable", c.Records, c.Decoded, c.Undecodable)
	}
	fates := c.Accepted + c.Late + c.Absorbed + c.CarryOut + total(c.Rejected) + total(c.Filtered)
	if c.Items+c.CarryIn != fates {
		return fmt.Errorf("conservation broken: %d items + %d carried in, but %d fates: %+v", c.Items, c.CarryIn, fates, *c)
	}
	if c.RoleRows != c.Expected {
		return fmt.Errorf("conservation broken: rows hold %d role contributions, flows made %d", c.RoleRows, c.Expected)
	}
	return nil
}

func total(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

// SectionRef locates one section of a cut object.
type SectionRef struct {
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	CRC    uint32 `json:"crc32c"` // of the compressed bytes
}

// CutHeader describes a cut: the rows of one source partition between two positions. It is the only thing that
// the close logic reads of a cut.
type CutHeader struct {
	Format        int             `json:"format"`
	Source        string          `json:"source"`
	Partition     string          `json:"partition"`
	N             uint64          `json:"n"`    // from 1, without gaps
	From          int64           `json:"from"` // first position
	To            int64           `json:"to"`   // next position to read
	Watermark     int64           `json:"watermark"`
	MaxEvent      int64           `json:"max_event"` // largest accepted event time, NoWatermark before the first
	Cause         string          `json:"cause"`     // why the cut was made
	Idle          bool            `json:"idle,omitempty"`
	Counters      Counters        `json:"counters"`
	Touched       []feature.Slice `json:"touched"` // slices with on-time rows, ascending
	Largest       *feature.Slice  `json:"largest,omitempty"`
	OddTime       *int64          `json:"odd_time,omitempty"` // smallest known time of a late or rejected item
	Decoder       []byte          `json:"decoder,omitempty"`
	ConfigDigest  string          `json:"config_digest"`
	ContentDigest string          `json:"content_digest"`
	Writer        string          `json:"writer,omitempty"`
	Sections      []SectionRef    `json:"sections"` // one per shard
	Carry         SectionRef      `json:"carry"`
}

// digestible is the header without what may differ between two attempts that hold the same content.
func (h *CutHeader) digestible() ([]byte, error) {
	c := *h
	c.ContentDigest, c.Writer, c.Cause = "", "", ""
	return json.Marshal(&c)
}
