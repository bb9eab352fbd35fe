package fgb

import (
	"encoding/hex"
	"fmt"

	"ndr/feature"
)

// Tables that parts hand to the publishing step. They are private, and are deleted when the publication counts.
const (
	partialMachine = "ip_metadata"
	partialActive  = "activity"
	partialPairs   = "pair_host"
	partialPeers   = "peer"
)

// partialVersion is the schema version of the tables below.
const partialVersion = 1

func partialTable(name string, columns ...feature.Column) *feature.Table {
	return &feature.Table{Name: name, Version: partialVersion, Columns: columns}
}

func keyColumn(name string, t feature.ColumnType) feature.Column {
	return feature.Column{Name: name, Type: t, Key: true}
}

// machinePartial is fg_b/ip_metadata without the typical bands, which depend on all segments of a host.
func machinePartial() *feature.Table {
	c := feature.FGBIPMetadataTable().Columns
	return partialTable(partialMachine, c[:len(c)-1]...)
}

// activePartial is in how many slices of a band a host was active in the segments of the part.
func activePartial() *feature.Table {
	return partialTable(partialActive, keyColumn("host_ip", feature.Text), keyColumn("time_band", feature.Text),
		feature.Column{Name: "active_slices", Type: feature.Int64})
}

// pairPartial is fg_b/pair/host with the days themselves.
func pairPartial() *feature.Table {
	return partialTable(partialPairs, keyColumn("host_ip", feature.Text), keyColumn("dst_ip", feature.Text), keyColumn("dst_port", feature.Int64),
		feature.Column{Name: "pair_seen_count", Type: feature.Int64}, feature.Column{Name: "pair_last_seen_ts", Type: feature.Timestamp},
		feature.Column{Name: "days", Type: feature.Text})
}

// peerPartial is fg_b/peer with the days themselves.
func peerPartial() *feature.Table {
	return partialTable(partialPeers, keyColumn("dst_ip", feature.Text), feature.Column{Name: "hosts_cnt", Type: feature.Int64},
		feature.Column{Name: "segments_cnt", Type: feature.Int64}, feature.Column{Name: "seen_count", Type: feature.Int64},
		feature.Column{Name: "days", Type: feature.Text})
}

// daysText writes a set of days.
func daysText(days []uint64) string {
	b := make([]byte, 0, 8*len(days))
	for _, w := range days {
		for i := range 8 {
			b = append(b, byte(w>>(8*i)))
		}
	}
	return hex.EncodeToString(b)
}

// addDays adds a set that daysText wrote.
func addDays(days []uint64, text string) error {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 8*len(days) {
		return fmt.Errorf("read days %q: want %d bytes in hex", text, 8*len(days))
	}
	for i, c := range b {
		days[i/8] |= uint64(c) << (8 * (i % 8))
	}
	return nil
}
