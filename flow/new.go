package flow

import (
	"fmt"
	"strings"
	"time"
)

// The formats that New knows by name. FormatMapping needs a mapping file in Config.Mapping.
const (
	FormatPANOSJSON    = "panos-json"
	FormatPANOSCSV     = "panos-csv"
	FormatZeekTSV      = "zeek-tsv"
	FormatZeekJSON     = "zeek-json"
	FormatVPCText      = "vpc-text"
	FormatSuricataEVE  = "suricata-eve"
	FormatECS          = "ecs"
	FormatOCSF         = "ocsf"
	FormatMapping      = "mapping"
	defaultMaxInput    = 16 << 20
	defaultMaxOutput   = 64 << 20
	unknownFormatHints = "panos-json, panos-csv, zeek-tsv, zeek-json, vpc-text, suricata-eve, ecs, ocsf, or mapping with a mapping file"
)

// Config chooses and sets up a decoder. The zero value of every field but Format is usable.
type Config struct {
	// Format is one of the Format constants.
	Format string
	// Timezone is that of the devices, for times written without one. Default UTC.
	Timezone *time.Location
	// FieldMapping renames fields for panos-json: canonical name to the name in the input.
	FieldMapping map[string]string
	// VPC holds what only vpc-text needs.
	VPC VPCConfig
	// Mapping is the text of a declarative mapping, for FormatMapping; with FormatECS and FormatOCSF, what replaces
	// parts of the preset.
	Mapping []byte
	// Limits bounds what one transport record may cost.
	Limits Limits
}

// VPCConfig sets up the decoder of AWS VPC flow logs in text form.
type VPCConfig struct {
	// Fields is the order of the fields where no header line tells it, in AWS's names; "-" skips a column.
	// Default: the version 2 order.
	Fields []string
	// BothEnds says that both ends of an internal connection are logged: then only the records of the
	// interface with the lower address are kept. It needs the flow-direction field.
	BothEnds bool
	// Internal tells whether an address is inside the network, for BothEnds.
	Internal func(Addr) bool
}

// Limits bounds the size of transport records. A record over a limit is undecodable as too_large.
type Limits struct {
	// MaxInput is the largest record as delivered, in bytes. Default 16 MiB.
	MaxInput int
	// MaxOutput is the most that one record may decompress to, in bytes. Default 64 MiB.
	MaxOutput int
}

func (l Limits) withDefaults() Limits {
	if l.MaxInput <= 0 {
		l.MaxInput = defaultMaxInput
	}
	if l.MaxOutput <= 0 {
		l.MaxOutput = defaultMaxOutput
	}
	return l
}

// New makes the decoder of a format. Every partition or file gets its own.
func New(cfg Config) (Decoder, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Timezone == nil {
		cfg.Timezone = time.UTC
	}
	switch strings.ToLower(cfg.Format) {
	case FormatPANOSJSON:
		return newPANOSJSON(cfg)
	case FormatPANOSCSV:
		return newPANOSCSV(cfg), nil
	case FormatECS, FormatOCSF:
		return loadMapping(cfg.Mapping, strings.ToLower(cfg.Format), cfg)
	case FormatMapping:
		return loadMapping(cfg.Mapping, "", cfg)
	case FormatZeekTSV:
		return newZeekTSV(cfg), nil
	case FormatZeekJSON:
		return newZeekJSON(cfg), nil
	case FormatSuricataEVE:
		return newSuricata(cfg), nil
	case FormatVPCText:
		return newVPCText(cfg)
	}
	return nil, fmt.Errorf("make decoder: unknown format %q (known: %s)", cfg.Format, unknownFormatHints)
}
