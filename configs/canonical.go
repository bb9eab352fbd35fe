package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"slices"
	"time"
)

// The three parts of a configuration that are written down with the data. Each is plain, sorted where order means
// nothing, and encoded by Canonical: two configurations that mean the same give the same bytes. A field that is
// added later changes the bytes; that is meant.

// RootConfig is what is fixed for a root at the first start, the content of root.json.
type RootConfig struct {
	Shards           int      `json:"shards"`
	SliceLength      string   `json:"slice_length"`
	SliceOffset      string   `json:"slice_offset"`
	EventTime        string   `json:"event_time"`
	InternalNetworks []string `json:"internal_networks"`
}

// IngestConfig is what decides the content of a cut beside the records.
type IngestConfig struct {
	Root            RootConfig        `json:"root"`
	Format          string            `json:"format"`
	FieldMapping    map[string]string `json:"field_mapping"`
	MappingSHA256   string            `json:"mapping_sha256"` // of the mapping file, "" without one
	Timezone        string            `json:"timezone"`
	VPCFields       []string          `json:"vpc_fields"`
	VPCBothEnds     bool              `json:"vpc_both_ends"`
	PortSets        CanonicalPorts    `json:"port_sets"`
	AllowedLateness string            `json:"allowed_lateness"`
	IdleTimeout     string            `json:"idle_timeout"`
	MaxFutureSkew   string            `json:"max_future_skew"`
	MaxPast         string            `json:"max_past"`
	PairTimeout     string            `json:"pair_timeout"`
	MaxPairsPerHost int               `json:"max_pairs_per_host"`
	MaxPortsPerPeer int               `json:"max_ports_per_peer"`
	KeptFlows       int               `json:"kept_flows"`
	MaxInput        int64             `json:"max_input"`
	MaxRecord       int64             `json:"max_record"`
}

// CanonicalPorts are the port sets, each sorted and without duplicates.
type CanonicalPorts struct {
	HighRisk  []uint16 `json:"high_risk"`
	Admin     []uint16 `json:"admin"`
	Fileshare []uint16 `json:"fileshare"`
	Directory []uint16 `json:"directory"`
	DB        []uint16 `json:"db"`
}

// CloseConfig is what decides the published rows of a slice beside the rows of its cuts; a close record names its
// digest.
type CloseConfig struct {
	Segments        []CanonicalSegment  `json:"segments"`
	DefaultIPv4     int                 `json:"default_ipv4"`
	DefaultIPv6     int                 `json:"default_ipv6"`
	HighRiskDeny    []string            `json:"high_risk_deny"`
	HighRiskAllow   []string            `json:"high_risk_allow"`
	Timezone        string              `json:"timezone"`
	WorkingHours    [2]int              `json:"working_hours"`
	OffHours        [2]int              `json:"off_hours"`
	Weekend         []string            `json:"weekend"`
	TimeBands       string              `json:"time_bands"`
	Layout          string              `json:"layout"`
	DataLocations   map[string]Location `json:"data_locations"`
	RarePeer        int64               `json:"rare_peer"`
	RarePort        int64               `json:"rare_port"`
	PairContext     []string            `json:"pair_context_windows"`
	FGC             CanonicalFGC        `json:"fg_c"`
	MergeSlack      string              `json:"merge_slack"`
	MaxPairsPerHost int                 `json:"max_pairs_per_host"`
	MaxPortsPerPeer int                 `json:"max_ports_per_peer"`
	KeptFlows       int                 `json:"kept_flows"`
}

// CanonicalSegment is an entry of the segment table.
type CanonicalSegment struct {
	CIDR string `json:"cidr"`
	ID   string `json:"id"`
}

// CanonicalFGC are the options of feature group C.
type CanonicalFGC struct {
	Transforms       []string           `json:"transforms"`
	Metrics          []string           `json:"metrics"`
	Windows          []string           `json:"windows"`
	Eps              float64            `json:"eps"`
	ZMax             float64            `json:"z_max"`
	DegenerateScale  string             `json:"degenerate_scale"`
	ScaleFloor       map[string]float64 `json:"scale_floor"`
	SuspicionMetrics []string           `json:"suspicion_metrics"`
	PairFeatures     bool               `json:"pair_features"`
	Exfiltration     float64            `json:"exfiltration"`
	LateralMovement  float64            `json:"lateral_movement"`
}

// Canonical encodes one of the three parts.
func Canonical[T RootConfig | IngestConfig | CloseConfig](part T) []byte {
	b, err := json.Marshal(part)
	if err != nil {
		panic(err) // made of texts and finite numbers
	}
	return b
}

// Digest is the SHA-256 of canonical bytes, in hex.
func Digest(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// Fixed returns what root.json fixes.
func (c *Config) Fixed() RootConfig {
	networks := slices.SortedFunc(slices.Values(c.InternalNetworks), netip.Prefix.Compare)
	return RootConfig{c.Shards, FormatDuration(c.Slices.Length), FormatDuration(c.Slices.Offset), c.Slices.EventTime,
		texts(slices.Compact(networks), netip.Prefix.String)}
}

// Ingest returns what decides the content of cuts; mapping is the text of the mapping file, nil without one.
func (c *Config) Ingest(mapping []byte) IngestConfig {
	i := IngestConfig{
		Root: c.Fixed(), Format: c.Source.Format, FieldMapping: c.Source.FieldMapping,
		Timezone: c.Source.Timezone.String(), VPCFields: c.Source.VPC.Fields, VPCBothEnds: c.Source.VPC.BothEnds,
		PortSets: CanonicalPorts{set(c.PortSets.HighRisk), set(c.PortSets.Admin), set(c.PortSets.Fileshare),
			set(c.PortSets.Directory), set(c.PortSets.DB)},
		AllowedLateness: FormatDuration(c.Slices.AllowedLateness), IdleTimeout: FormatDuration(c.Slices.IdleTimeout),
		MaxFutureSkew: FormatDuration(c.Slices.MaxFutureSkew), MaxPast: FormatDuration(c.Slices.MaxPast),
		PairTimeout: FormatDuration(c.Slices.PairTimeout), MaxPairsPerHost: c.Limits.MaxPairsPerHost,
		MaxPortsPerPeer: c.Limits.MaxPortsPerPeer, KeptFlows: c.Limits.KeptFlows,
		MaxInput: c.Limits.Decompression.MaxInput, MaxRecord: c.Limits.Decompression.MaxRecord,
	}
	if mapping != nil {
		i.MappingSHA256 = Digest(mapping)
	}
	return i
}

// Close returns what decides the rows that a close publishes.
func (c *Config) Close() CloseConfig {
	f := &c.Features.FGC
	r := CloseConfig{
		Segments: []CanonicalSegment{}, DefaultIPv4: c.Segments.DefaultIPv4, DefaultIPv6: c.Segments.DefaultIPv6,
		HighRiskDeny: set(c.Segments.HighRisk.Deny), HighRiskAllow: set(c.Segments.HighRisk.Allow),
		Timezone: c.Calendar.Timezone.String(), TimeBands: c.Calendar.TimeBands,
		WorkingHours: [2]int{c.Calendar.WorkingHours.From, c.Calendar.WorkingHours.To},
		OffHours:     [2]int{c.Calendar.OffHours.From, c.Calendar.OffHours.To},
		Weekend:      texts(set(c.Calendar.Weekend), time.Weekday.String),
		Layout:       c.Features.Layout, DataLocations: c.DataLocations,
		RarePeer: c.Features.FGA.RarePeer, RarePort: c.Features.FGA.RarePort,
		PairContext: set(c.Features.PairContext.Windows),
		FGC: CanonicalFGC{f.Transforms, set(f.Metrics), set(f.Windows), f.Eps, f.ZMax, f.DegenerateScale, f.ScaleFloor,
			set(f.SuspicionMetrics), f.PairFeatures, f.Exfiltration, f.LateralMovement},
		MergeSlack: FormatDuration(c.Slices.MergeSlack), MaxPairsPerHost: c.Limits.MaxPairsPerHost,
		MaxPortsPerPeer: c.Limits.MaxPortsPerPeer, KeptFlows: c.Limits.KeptFlows,
	}
	for _, e := range c.Segments.Table {
		r.Segments = append(r.Segments, CanonicalSegment{e.CIDR.String(), e.ID})
	}
	slices.SortFunc(r.Segments, func(a, b CanonicalSegment) int {
		return netip.MustParsePrefix(a.CIDR).Compare(netip.MustParsePrefix(b.CIDR))
	})
	return r
}

// set sorts a copy without duplicates; it is never nil, so that it is [] and not null.
func set[T int | uint16 | string | time.Weekday](list []T) []T {
	own := append([]T{}, list...)
	slices.Sort(own)
	return slices.Compact(own)
}

func texts[T any](list []T, text func(T) string) []string {
	out := make([]string, 0, len(list))
	for _, x := range list {
		out = append(out, text(x))
	}
	return out
}
