package configs

import "time"

// Source is the stream of flow logs.
type Source struct {
	Name         string
	Type         string // kafka or file
	Kafka        Kafka
	File         File
	Format       string            // empty with Mapping
	FieldMapping map[string]string // canonical name to the name in the input
	Mapping      string
	Timezone     *time.Location
	VPC          VPC
}

// The values of Source.Type.
const (
	SourceKafka = "kafka"
	SourceFile  = "file"
)

// FormatVPC is the format whose records arrive in batches and as halves.
const FormatVPC = "vpc-text"

func (c *Source) fields() []field {
	return []field{
		by(leaf("name", "", one[string]{&c.Name, matching(lowerName, "a name of small letters, digits, '.', '_', '-'")},
			"Name of the stream, which names its cuts; never change it for a root."), "the topic, or file"),
		need(leaf("type", "", one[string]{&c.Type, oneOf(SourceKafka, SourceFile)}, "Where records come from.")),
		section("kafka", c.Kafka.fields(), "The Kafka topic, for type kafka."),
		section("file", c.File.fields(), "The files, for type file."),
		leaf("format", "", one[string]{&c.Format, oneOf("panos-json", "panos-csv", "zeek-tsv", "zeek-json", FormatVPC,
			"suricata-eve", "ecs", "ocsf")}, "Format of the records; required unless there is a mapping."),
		leaf("field_mapping", "{}", named[string]{&c.FieldMapping, text(), text()},
			"Names of the fields in the input where they differ, for panos-json: canonical name to input name."),
		leaf("mapping", "", one[string]{&c.Mapping, text()},
			"Path of a declarative mapping file, in place of format."),
		leaf("timezone", "UTC", one[*time.Location]{&c.Timezone, zone()},
			"Time zone of times that the devices write without one."),
		section("vpc", c.VPC.fields(), "AWS VPC flow logs, for format vpc-text."),
	}
}

// Kafka is a topic and how its cluster is reached.
type Kafka struct {
	Brokers      []string
	Topic, Group string
	TLS          TLS
	SASL         SASL
}

func (c *Kafka) fields() []field {
	return []field{
		leaf("brokers", "[]", many[string]{to: &c.Brokers, of: matching(`[^\s:/,]+:[0-9]{1,5}|\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}`,
			"host:port")}, "Addresses of some brokers, host:port; required for type kafka."),
		leaf("topic", "", one[string]{&c.Topic, matching(`[A-Za-z0-9._-]{1,249}`, "the name of a topic")},
			"Topic with the flow logs; required for type kafka."),
		leaf("group", "ndr", one[string]{&c.Group, matching(`\S+`, "the name of a group")},
			"Consumer group that shares the partitions; its offsets are for lag tools only."),
		section("tls", c.TLS.fields(), "Encryption of the connection to the brokers."),
		section("sasl", c.SASL.fields(), "Sign-in at the brokers; without a mechanism there is none."),
	}
}

// TLS is the encryption of a connection. Files are paths of PEM files.
type TLS struct {
	Enabled                               bool
	CAFile, CertFile, KeyFile, ServerName string
}

func (c *TLS) fields() []field {
	return []field{
		leaf("enabled", "false", one[bool]{&c.Enabled, boolean()}, "Whether the connection is encrypted."),
		leaf("ca_file", "", one[string]{&c.CAFile, text()},
			"PEM file with the authorities to trust; without it, those of the system."),
		leaf("cert_file", "", one[string]{&c.CertFile, text()}, "PEM file with the client's certificate, with key_file."),
		leaf("key_file", "", one[string]{&c.KeyFile, text()}, "PEM file with the key of the client's certificate."),
		leaf("server_name", "", one[string]{&c.ServerName, text()},
			"Name to expect in the brokers' certificates, where it is not their host name."),
	}
}

// SASL is the sign-in at a broker; an empty Mechanism is none.
type SASL struct {
	Mechanism, User string
	Password        Secret
}

func (c *SASL) fields() []field {
	return []field{
		leaf("mechanism", "", one[string]{&c.Mechanism, oneOf("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")},
			"How to sign in; user and password are required with it."),
		leaf("user", "", one[string]{&c.User, text()}, "Name of the user."),
		leaf("password", "", secretValue{&c.Password}, "Password of the user."),
	}
}

// File is input from files.
type File struct {
	Inputs     []string
	Partitions int
}

func (c *File) fields() []field {
	return []field{
		leaf("inputs", "[]", many[string]{to: &c.Inputs, of: matching(`.+`, "a path, a glob or an s3:// prefix")},
			"Files to read, plain, gzip or zstd: paths, globs or s3:// prefixes; required for type file."),
		leaf("partitions", "1", one[int]{&c.Partitions, whole[int](1, 9999)},
			"Number of partitions that the merged input is spread over by a hash of the two addresses."),
	}
}

// VPC is what only AWS VPC flow logs need.
type VPC struct {
	Fields   []string
	BothEnds bool
}

func (c *VPC) fields() []field {
	return []field{
		leaf("fields", "[version, account-id, interface-id, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, "+
			"start, end, action, log-status]",
			many[string]{to: &c.Fields, of: matching(`[a-z0-9-]+`, "a field in AWS's spelling, such as pkt-srcaddr, or -")},
			"Order of the fields where no header line tells it, in AWS's names; - skips a column."),
		leaf("both_ends", "false", one[bool]{&c.BothEnds, boolean()},
			"Whether both ends of internal connections are logged, so that one of each two records is dropped."),
	}
}
