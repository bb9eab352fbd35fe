package kafka

import (
	"errors"
	"fmt"
	"time"
)

// Config says what is read and how the cluster is reached. Zero durations and a zero Memory take their defaults.
type Config struct {
	Brokers []string // some brokers of the cluster, host:port
	Topic   string
	TLS     TLS
	SASL    SASL

	// Group is the consumer group that shares the partitions. Without it the source is bounded: it reads all
	// partitions, or Ranges, once, and Run returns when they are read.
	Group string
	// InstanceID makes the member static: it keeps its partitions over a restart within SessionTimeout.
	InstanceID string
	// Ranges are what a bounded source reads; empty: every partition from From to To.
	Ranges []Range
	// From and To bound by record time what a bounded source reads without Ranges; the first record at or after To
	// and all later ones are not read. Zero: from the earliest record, to the end at the time of Describe.
	From, To time.Time

	// Memory bounds the bytes of fetched records, waiting and in flight; 256 MiB by default, at least 16 MiB.
	Memory int64
	// SessionTimeout is how long the group waits for a silent member; 45 s by default.
	SessionTimeout time.Duration
	// RebalanceTimeout is how long a member may take to store its last cuts when partitions move; 60 s by default.
	RebalanceTimeout time.Duration
	// Refresh is how often the topic is looked at for added partitions and for another id; 1 min by default.
	Refresh time.Duration
	// CommitInterval is how often positions are mirrored to the group; 5 s by default.
	CommitInterval time.Duration
}

// TLS is the encryption of the connections; files are paths of PEM files. Without CAFile the authorities of the
// system are trusted.
type TLS struct {
	Enabled                               bool
	CAFile, CertFile, KeyFile, ServerName string
}

// SASL is the sign-in at the brokers: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, or none when Mechanism is empty.
type SASL struct {
	Mechanism, User, Password string
}

const minMemory = 16 << 20

func (c *Config) withDefaults() Config {
	d := *c
	if d.Memory == 0 {
		d.Memory = 256 << 20
	}
	for _, f := range []struct {
		to    *time.Duration
		value time.Duration
	}{
		{&d.SessionTimeout, 45 * time.Second}, {&d.RebalanceTimeout, time.Minute},
		{&d.Refresh, time.Minute}, {&d.CommitInterval, 5 * time.Second},
	} {
		if *f.to == 0 {
			*f.to = f.value
		}
	}
	return d
}

// Validate reports all faults of the configuration.
func (c *Config) Validate() error {
	var errs []error
	bad := func(when bool, format string, args ...any) {
		if when {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(len(c.Brokers) == 0, "no brokers: name at least one as host:port")
	bad(c.Topic == "", "no topic")
	bad(c.Memory != 0 && c.Memory < minMemory, "memory %d is below %d bytes", c.Memory, minMemory)
	bad(c.Group != "" && (len(c.Ranges) > 0 || !c.From.IsZero() || !c.To.IsZero()),
		"group %q with a range: a range is read without a group", c.Group)
	bad(c.Group == "" && c.InstanceID != "", "instance id %q without a group", c.InstanceID)
	bad(len(c.Ranges) > 0 && !(c.From.IsZero() && c.To.IsZero()), "ranges of offsets together with a range of times")
	bad(!c.From.IsZero() && !c.To.IsZero() && c.To.Before(c.From), "range of times ends at %v before it begins at %v", c.To, c.From)
	bad(c.SessionTimeout < 0 || c.RebalanceTimeout < 0 || c.Refresh < 0 || c.CommitInterval < 0, "negative duration")
	bad((c.TLS.CertFile == "") != (c.TLS.KeyFile == ""), "tls cert_file %q and key_file %q: give both or none", c.TLS.CertFile, c.TLS.KeyFile)
	switch c.SASL.Mechanism {
	case "", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
	default:
		bad(true, "sasl mechanism %q is not PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", c.SASL.Mechanism)
	}
	bad(c.SASL.Mechanism != "" && (c.SASL.User == "" || c.SASL.Password == ""), "sasl mechanism %s without user or password", c.SASL.Mechanism)
	seen := make(map[int32]bool)
	for _, r := range c.Ranges {
		bad(r.Partition < 0 || r.From < 0 || r.To < r.From, "range %s is not partition:from-to with from at most to", r)
		bad(seen[r.Partition], "two ranges of partition %d", r.Partition)
		seen[r.Partition] = true
	}
	return errors.Join(errs...)
}
