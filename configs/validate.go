package configs

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"ndr/feature"
)

// readPortSets replaces the port sets by those of their location, if there is one.
func (l *loader) readPortSets(c *Config) {
	const path = "port_sets.location"
	location := c.PortSets.Location
	if location == "" || !l.ok(path) {
		return
	}
	sets := c.PortSets.sets(feature.DefaultPortLists())
	for i := range sets {
		sets[i].required = true
		if at := join("port_sets", sets[i].key); l.origins[at].Kind != FromDefault {
			l.faultAt(l.places[at], at, "stands beside %s, which takes the place of all lists; remove one of the two", path)
		}
	}
	at := &node{at: l.places[path]}
	read, remote := l.o.ReadFile, strings.HasPrefix(location, "s3://")
	if remote {
		read = l.o.ReadObject
	}
	if remote && (l.check || read == nil) {
		if l.check {
			l.warn(path, at, "%s is not read here; its sets are not checked", location)
		} else {
			l.fault(path, at, "%s cannot be read: no access to S3 here", location)
		}
		return
	}
	data, err := read(strings.TrimPrefix(location, "file://"))
	switch {
	case l.check && errors.Is(err, fs.ErrNotExist):
		l.warn(path, at, "%s does not exist here; its sets are not checked", location)
		return
	case err != nil:
		l.fault(path, at, "cannot read the port sets: %v", err)
		return
	}
	n := l.parse(newSourceText(location, data), data, false)
	if n == nil && l.ok("") {
		l.fault(path, at, "%s is empty", location)
	}
	if n != nil {
		l.section("port_sets", n, sets)
	}
}

// complete sets the defaults that depend on other settings.
func (l *loader) complete(c *Config) {
	if _, given := l.origins["source.name"]; !given {
		c.Source.Name = c.Source.Kafka.Topic
		if c.Source.Type == SourceFile {
			c.Source.Name = SourceFile
		}
		if c.Source.Name != "" {
			l.note("source.name", &node{})
		}
		if !regexp.MustCompile("^(?:"+lowerName+")$").MatchString(c.Source.Name) && l.ok("source") && c.Source.Name != "" {
			l.faultAt(place{}, "source.name", "missing. The topic %q cannot be the default: want small letters, digits, "+
				"'.', '_', '-'", c.Source.Name)
		}
	}
	if _, given := l.origins["slices.allowed_lateness"]; !given {
		c.Slices.AllowedLateness = 2 * time.Minute
		if c.Source.Format == FormatVPC {
			c.Slices.AllowedLateness = 10 * time.Minute
		}
		if c.Source.Type == SourceFile {
			c.Slices.AllowedLateness = time.Hour
		}
		l.note("slices.allowed_lateness", &node{})
	}
	if _, given := c.Baselines.SupportMin[supportDefault]; !given && c.Baselines.SupportMin != nil {
		c.Baselines.SupportMin[supportDefault] = 50
	}
}

// validate checks what no single value shows.
func (l *loader) validate(c *Config) {
	if !l.ok("") {
		return
	}
	l.validateSource(&c.Source)
	l.validateKafka(&c.Source.Kafka)
	l.demand(len(c.InternalNetworks) > 0, "internal_networks", "names no network: no host would get a row")
	l.demand(len(c.Features.FGC.Transforms) > 0, "features.fg_c.transforms", "names no transform")
	l.demand(len(c.Features.FGC.Windows) > 0, "features.fg_c.windows", "names no window")
	l.demand(len(c.Baselines.Horizons) > 0, "baselines.horizons", "names no horizon")
	w, o := c.Calendar.WorkingHours, c.Calendar.OffHours
	l.demand(!l.ok("calendar.working_hours") || max(w.From, o.From) >= min(w.To, o.To), "calendar.off_hours",
		"overlaps working_hours")
	l.validateSegments(&c.Segments)
	if l.ok("project_name") && l.ok("feature_spec_version") {
		_, err := feature.NewLayout(c.ProjectName, c.FeatureSpecVersion, c.Locations())
		if err != nil {
			l.demand(false, "data_locations", "%s", strings.TrimPrefix(err.Error(), "data locations: "))
		}
	}
}

// validateSegments finds networks that are named twice, and high-risk entries that could not match anything.
func (l *loader) validateSegments(s *Segments) {
	seen := map[string]string{}
	ids := map[string]bool{feature.SegmentUnknown: true}
	for _, e := range s.Table {
		cidr := e.CIDR.String()
		_, twice := seen[cidr]
		l.demand(!twice, "segments.table", "names the network %s twice, as %q and %q", cidr, seen[cidr], e.ID)
		seen[cidr], ids[e.ID] = e.ID, true
	}
	if !l.ok("segments.table") {
		return
	}
	for _, list := range []struct {
		key     string
		entries []string
	}{{"deny", s.HighRisk.Deny}, {"allow", s.HighRisk.Allow}} {
		for _, e := range list.entries {
			_, err := cidr().parse(e)
			l.demand(err == nil || ids[e], "segments.high_risk."+list.key,
				"%q is neither an id of segments.table nor a network", e)
		}
	}
}

// Locations are DataLocations as the layout of paths takes them.
func (c *Config) Locations() map[string]feature.Location {
	m := map[string]feature.Location{}
	for name, at := range c.DataLocations {
		m[name] = feature.Location{Prefix: at.Prefix, Partitions: at.Partitions}
	}
	return m
}

func (l *loader) validateSource(s *Source) {
	if !l.ok("source.type") {
		return
	}
	switch s.Type {
	case SourceKafka:
		l.demand(len(s.Kafka.Brokers) > 0, "source.kafka.brokers",
			"missing. Required for source.type kafka: host:port of some brokers")
		l.demand(s.Kafka.Topic != "", "source.kafka.topic",
			"missing. Required for source.type kafka: the topic with the flow logs")
	case SourceFile:
		l.demand(len(s.File.Inputs) > 0, "source.file.inputs",
			"missing. Required for source.type file: paths, globs or s3:// prefixes")
	}
	if !l.ok("source.format") || !l.ok("source.mapping") {
		return
	}
	l.demand(s.Format != "" || s.Mapping != "", "source.format",
		"missing. Required unless source.mapping names a mapping file")
	l.demand(s.Format == "" || s.Mapping == "", "source.mapping", "stands beside source.format; remove one of the two")
	if s.Mapping != "" && l.o.CheckMapping != nil {
		err := l.o.CheckMapping(s.Mapping)
		l.demand(err == nil, "source.mapping", "%v", err)
	}
	l.demand(len(s.FieldMapping) == 0 || s.Format == "panos-json", "source.field_mapping",
		"works with format panos-json only; use a mapping file")
}

func (l *loader) validateKafka(k *Kafka) {
	t, s := &k.TLS, &k.SASL
	l.demand((t.CertFile == "") == (t.KeyFile == ""), "source.kafka.tls.cert_file",
		"needs key_file beside it, and the other way round")
	for _, f := range []struct{ key, text string }{
		{"ca_file", t.CAFile}, {"cert_file", t.CertFile}, {"server_name", t.ServerName},
	} {
		l.demand(t.Enabled || f.text == "" || !l.ok("source.kafka.tls.enabled"), "source.kafka.tls."+f.key,
			"has no effect while source.kafka.tls.enabled is false")
	}
	if !l.ok("source.kafka.sasl") {
		return
	}
	if s.Mechanism == "" {
		l.demand(s.User == "" && !s.Password.IsSet(), "source.kafka.sasl.mechanism",
			"missing. Required with user and password")
		return
	}
	l.demand(s.User != "", "source.kafka.sasl.user", "missing. Required with mechanism")
	l.demand(s.Password.IsSet(), "source.kafka.sasl.password", "missing. Required with mechanism: %s", secretForms)
	if s.Mechanism == "PLAIN" && !t.Enabled && l.ok("source.kafka.tls.enabled") {
		const path = "source.kafka.sasl.mechanism"
		l.warn(path, &node{at: l.places[path]}, "PLAIN without tls sends the password in clear text")
	}
}

// demand reports a fault at the place of a value, or of the whole file if the value is not set.
func (l *loader) demand(holds bool, path, format string, args ...any) {
	if !holds && l.ok(path) {
		l.faultAt(l.places[path], path, format, args...)
	}
}

// ok reports whether the value at a path, and every part of it, is known.
func (l *loader) ok(path string) bool {
	if l.bad[""] {
		return false
	}
	for bad := range l.bad {
		if bad == path || path == "" && bad == "" || strings.HasPrefix(bad, path+".") || strings.HasPrefix(bad, path+"[") {
			return false
		}
	}
	return true
}
