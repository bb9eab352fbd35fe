package configs

import (
	"math"
	"time"
)

// Limits bounds memory, time and size.
type Limits struct {
	Memory          int64 // bytes
	MaxCutInterval  time.Duration
	MaxCutRecords   int64 // 0 is none
	MaxPairsPerHost int
	MaxPortsPerPeer int
	KeptFlows       int
	Decompression   Decompression
}

// Decompression bounds one transport record, in bytes.
type Decompression struct{ MaxInput, MaxRecord int64 }

func (c *Limits) fields() []field {
	return []field{
		leaf("memory", "1GiB", one[int64]{&c.Memory, size(64 << 20)},
			"Memory that the process may use for buffered input, rows and caches, in bytes."),
		leaf("max_cut_interval", "5m", one[time.Duration]{&c.MaxCutInterval, duration(time.Second)},
			"Longest time between two cuts of an active partition."),
		leaf("max_cut_records", "0", one[int64]{&c.MaxCutRecords, whole[int64](0, math.MaxInt64)},
			"Most records in one cut, for tests; 0 is no such limit."),
		leaf("max_pairs_per_host", "100000", one[int]{&c.MaxPairsPerHost, whole[int](1, 1<<30)},
			"Pairs of a host, role and slice that are kept exactly; the rest is estimated."),
		leaf("max_ports_per_peer", "256", one[int]{&c.MaxPortsPerPeer, whole[int](1, 65536)},
			"Ports of a host, role, slice and peer that are kept exactly; the rest is estimated."),
		leaf("kept_flows", "16", one[int]{&c.KeptFlows, whole[int](1, 255)},
			"Earliest flows of a pair and slice that are kept for interval statistics."),
		section("decompression", []field{
			leaf("max_input", "16MiB", one[int64]{&c.Decompression.MaxInput, size(1)},
				"Largest record as it arrives, in bytes; a larger one is rejected."),
			leaf("max_record", "64MiB", one[int64]{&c.Decompression.MaxRecord, size(1)},
				"Most that one record may decompress to, in bytes; a larger one is rejected."),
		}, "Bounds of one record."),
	}
}

// State is where the working state of the shards lies.
type State struct{ Dir string }

func (c *State) fields() []field {
	return []field{leaf("dir", "/var/lib/ndr/state", one[string]{&c.Dir, matching(`.+`, "a folder")},
		"Local folder of the state; it may be lost, since checkpoints lie under root.")}
}

// S3 is how S3 or a compatible server is reached.
type S3 struct {
	Endpoint, Region string
	PathStyle        bool
}

func (c *S3) fields() []field {
	return []field{
		leaf("endpoint", "",
			one[string]{&c.Endpoint, matching(`https?://[^\s/@?#]+/?`,
				"http://host[:port] or https://host[:port]")},
			"Server with S3's interface; without it, AWS's."),
		leaf("region", "", one[string]{&c.Region, matching(`[a-z0-9-]+`, "a region")},
			"Region of the bucket; without it, AWS's own settings decide."),
		leaf("path_style", "false", one[bool]{&c.PathStyle, boolean()},
			"Whether the bucket stands in the path of a request and not in the host name."),
	}
}

// Admin is the HTTP endpoint for metrics and health.
type Admin struct {
	Listen string
	Pprof  bool
}

func (c *Admin) fields() []field {
	return []field{
		leaf("listen", "127.0.0.1:9090", one[string]{&c.Listen, matching(`[^\s/]*:[0-9]{1,5}`, "host:port")},
			"Address to listen on, host:port; port 0 takes a free one."),
		leaf("pprof", "false", one[bool]{&c.Pprof, boolean()}, "Whether profiles can be fetched there."),
	}
}
