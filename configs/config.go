package configs

import "net/netip"

// Config is the whole configuration. What each key means, its unit and its default stand in the fields method of
// its struct, once, for the loader, the documentation and people alike; Go names follow the YAML keys.
type Config struct {
	Version            int
	ProjectName        string
	FeatureSpecVersion string
	Root               string
	Source             Source
	Slices             Slices
	Shards             int
	InternalNetworks   []netip.Prefix
	Segments           Segments
	Calendar           Calendar
	PortSets           PortSets
	DataLocations      map[string]Location
	Features           Features
	Baselines          Baselines
	Limits             Limits
	State              State
	S3                 S3
	Admin              Admin
}

// Location is where a dataset lies; what is empty keeps its default.
type Location struct {
	Prefix     string `json:"prefix"`
	Partitions string `json:"partitions"`
}

const (
	anyName   = `[A-Za-z0-9_-][A-Za-z0-9._-]*`
	lowerName = `[a-z0-9_-][a-z0-9._-]*`
)

func (c *Config) fields() []field {
	return []field{
		need(leaf("version", "", one[int]{&c.Version, whole[int](1, 1)}, "Version of this file's format: 1.")),
		leaf("project_name", "ndr",
			one[string]{&c.ProjectName, matching(anyName, "a name of letters, digits, '.', '_', '-'")},
			"Name of the project, part of every path below root."),
		leaf("feature_spec_version", "v1",
			one[string]{&c.FeatureSpecVersion, matching(anyName, "a name of letters, digits, '.', '_', '-'")},
			"Version of the feature definitions, part of every path below root and a column of every table."),
		need(leaf("root", "", one[string]{&c.Root, matching(`s3://[a-z0-9.-]+(?:/[^?#]*)?|file:///[^?#]*`,
			"s3://bucket[/prefix] or file:///absolute/folder")},
			"Where everything is written: s3://bucket[/prefix] or file:///folder; "+
				"projects/<project_name>/versions/<feature_spec_version> is appended.")),
		section("source", c.Source.fields(), "The one stream of flow logs that is read."),
		section("slices", c.Slices.fields(), "How event time is cut, and how long records are waited for."),
		leaf("shards", "8", one[int]{&c.Shards, whole[int](1, 9999)},
			"Number of parts that the hosts are spread over by hash; fixed for a root at the first start."),
		leaf("internal_networks", "[10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7, 100.64.0.0/10]",
			many[netip.Prefix]{to: &c.InternalNetworks, of: cidr()},
			"Networks whose hosts get rows; fixed for a root at the first start."),
		section("segments", c.Segments.fields(), "The network segment of an address."),
		section("calendar", c.Calendar.fields(), "Working hours, for the time features and the baselines."),
		section("port_sets", c.PortSets.fields(),
			"Destination ports that are counted per host; inline, or all from location."),
		leaf("data_locations", "{}", namedRecords[Location]{&c.DataLocations, matching(`[a-z0-9_/]+`, "a dataset"),
			(*Location).fields}, "Other places for datasets, below the version's folder; what is not named keeps its default."),
		section("features", c.Features.fields(), "What is computed and in which form."),
		section("baselines", c.Baselines.fields(), "The monthly baselines."),
		section("limits", c.Limits.fields(), "Bounds of memory, time and size."),
		section("state", c.State.fields(), "The working state of the shards."),
		section("s3", c.S3.fields(), "How S3 is reached; credentials come from AWS's own chain."),
		section("admin", c.Admin.fields(), "The HTTP endpoint for metrics and health."),
	}
}

func (c *Location) fields() []field {
	return []field{
		leaf("prefix", "", one[string]{&c.Prefix, text()}, "Folder of the dataset, e.g. data/features/fg_a."),
		leaf("partitions", "", one[string]{&c.Partitions, text()},
			"Folders below it, with {dt}, {hh} and {mm}, e.g. dt={dt}/hh={hh}/mm={mm}."),
	}
}
