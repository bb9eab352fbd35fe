package flow

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// mappingCompiler turns the YAML of a mapping into a plan. It goes on after an error, so that all faults are
// reported at once, each with its line and column.
type mappingCompiler struct {
	plan *mappingPlan
	zone *time.Location // of times without one
	errs []error
	cols []string // names of the columns, for decodes that have them
}

// compileMapping compiles a mapping.
func compileMapping(root *yaml.Node, zone *time.Location) (*mappingPlan, error) {
	c := &mappingCompiler{plan: &mappingPlan{message: -1, logEvents: -1}, zone: zone}
	keys := c.keys(root, "format", "decode", "unwrap", "explode", "select", "filter", "kind", "fields", "null_values", "swap", "state")
	c.plan.observer = []byte(FormatMapping)
	if n := keys["format"]; n != nil {
		c.plan.observer = []byte(c.scalar(n))
	}
	c.decode(keys["decode"])
	c.unwrap(keys["unwrap"])
	c.explode(keys["explode"])
	c.nulls(keys["null_values"])
	if n := keys["select"]; !isNullNode(n) {
		c.plan.selected = c.predicate(n)
	}
	c.filters(keys["filter"])
	c.fields(root, keys["fields"])
	c.kind(keys["kind"], keys["state"])
	c.swap(keys["swap"])
	if c.plan.decode == decodeJSON && c.plan.unwrap == nil && c.plan.explode == nil {
		c.plan.message, c.plan.logEvents = c.slot("message"), c.slot("logEvents")
	}
	return c.plan, errors.Join(c.errs...)
}

func (c *mappingCompiler) fail(n *yaml.Node, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("line %d, column %d: %w", n.Line, n.Column, fmt.Errorf(format, args...)))
}

// keys returns the members of a mapping node, which has none but the known ones, and each once.
func (c *mappingCompiler) keys(n *yaml.Node, known ...string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		c.fail(n, "a mapping of %s is expected", strings.Join(known, ", "))
		return found
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(known, key.Value):
			c.fail(key, "unknown key %q (known: %s)", key.Value, strings.Join(known, ", "))
		case found[key.Value] != nil:
			c.fail(key, "%s is given twice", key.Value)
		default:
			found[key.Value] = value
		}
	}
	return found
}

func (c *mappingCompiler) scalar(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		c.fail(n, "a single value is expected")
		return ""
	}
	return n.Value
}

// list returns the elements of a sequence; a single value is a sequence of one.
func (c *mappingCompiler) list(n *yaml.Node) []*yaml.Node {
	switch n.Kind {
	case yaml.SequenceNode:
		return n.Content
	case yaml.ScalarNode:
		return []*yaml.Node{n}
	}
	c.fail(n, "a list is expected")
	return nil
}

func (c *mappingCompiler) texts(n *yaml.Node) (texts []string) {
	for _, e := range c.list(n) {
		texts = append(texts, c.scalar(e))
	}
	return texts
}

func isNullNode(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// slot gives the slot of a path of the record.
func (c *mappingCompiler) slot(path string) int {
	if i := slices.Index(c.plan.paths, path); i >= 0 {
		return i
	}
	c.plan.paths = append(c.plan.paths, path)
	if c.cols != nil {
		c.plan.columns = append(c.plan.columns, slices.Index(c.cols, path))
	} else {
		c.plan.columns = append(c.plan.columns, len(c.plan.paths)-1)
	}
	return len(c.plan.paths) - 1
}

func (c *mappingCompiler) path(n *yaml.Node) pathRef {
	ref, err := parsePath(c.scalar(n), c.slot)
	switch {
	case err != nil:
		c.fail(n, "%w", err)
	case ref.from == fromParent && c.plan.explode == nil:
		c.fail(n, "path %q: ^ needs explode", n.Value)
	case ref.from == fromTuple && !c.plan.tuple:
		c.fail(n, "path %q: tuple needs explode with tuple: csv", n.Value)
	}
	c.checkColumns(n)
	return ref
}

// checkColumns refuses names that are none of the columns.
func (c *mappingCompiler) checkColumns(n *yaml.Node) {
	for slot, column := range c.plan.columns {
		if column < 0 {
			c.fail(n, "%q is no column (known: %s)", c.plan.paths[slot], strings.Join(c.cols, ", "))
			c.plan.columns[slot] = slot // said once
		}
	}
}

func (c *mappingCompiler) predicate(n *yaml.Node) predicate {
	p, err := parsePredicate(c.scalar(n), c.slot, nil)
	if err != nil {
		c.fail(n, "%w", err)
		return always{}
	}
	c.checkColumns(n)
	return p
}

// decode reads the list of steps from bytes to values. Compression is always peeled, so gzip says nothing new.
func (c *mappingCompiler) decode(n *yaml.Node) {
	if isNullNode(n) {
		return
	}
	const known = "gzip?, base64?, json, csv: {cols: [..]}, kv, text: {fields: [..]}"
	last := false
	for _, step := range c.list(n) {
		name, args := step.Value, (*yaml.Node)(nil)
		if step.Kind == yaml.MappingNode && len(step.Content) == 2 {
			name, args = step.Content[0].Value, step.Content[1]
		}
		if last {
			c.fail(step, "nothing can follow json, csv, kv or text")
		}
		switch name {
		case "gzip?", "gzip":
			continue
		case "base64?", "base64":
			c.plan.base64 = true
			continue
		case "json":
			c.plan.decode = decodeJSON
		case "kv":
			c.plan.decode = decodeKV
		case "csv":
			c.plan.decode, c.cols = decodeCSV, c.columns(step, args, "cols")
		case "text":
			c.plan.decode, c.cols = decodeText, c.columns(step, args, "fields")
		default:
			c.fail(step, "unknown decode %q (known: %s)", name, known)
		}
		last = true
	}
	if !last {
		c.fail(n, "decode says not what the text is (known: %s)", known)
	}
}

func (c *mappingCompiler) columns(step, args *yaml.Node, key string) []string {
	if args == nil {
		c.fail(step, "%s needs {%s: [name, ..]}", step.Value, key)
		return []string{}
	}
	keys := c.keys(args, key)
	if keys[key] == nil {
		c.fail(args, "%s is missing", key)
		return []string{}
	}
	names := c.texts(keys[key])
	if len(names) > maxMappingColumns {
		c.fail(args, "%d columns, at most %d are read", len(names), maxMappingColumns)
	}
	return names
}

func (c *mappingCompiler) unwrap(n *yaml.Node) {
	if isNullNode(n) {
		return
	}
	if c.plan.decode != decodeJSON {
		c.fail(n, "unwrap needs json")
	}
	for _, e := range c.list(n) {
		path := c.scalar(e)
		if path != "$" && !strings.HasPrefix(path, "$.") || strings.ContainsAny(path, "[]* ") {
			c.fail(e, "unwrap path %q is neither $ nor $.name", path)
		}
		c.plan.unwrap = append(c.plan.unwrap, strings.TrimPrefix(strings.TrimPrefix(path, "$"), "."))
	}
}

// explode reads $.a[*].b[*], or {path: .., tuple: csv}, or the text "$.a[*] as tuple: csv".
func (c *mappingCompiler) explode(n *yaml.Node) {
	if isNullNode(n) {
		return
	}
	if c.plan.decode != decodeJSON {
		c.fail(n, "explode needs json")
	}
	at, path := n, ""
	if n.Kind == yaml.MappingNode {
		keys := c.keys(n, "path", "tuple")
		if keys["path"] == nil {
			c.fail(n, "path is missing")
			return
		}
		at, path = keys["path"], c.scalar(keys["path"])
		if t := keys["tuple"]; t != nil {
			if c.plan.tuple = c.scalar(t) == "csv"; !c.plan.tuple {
				c.fail(t, "unknown tuple %q (known: csv)", t.Value)
			}
		}
	} else {
		path, c.plan.tuple = strings.CutSuffix(c.scalar(n), " as tuple: csv")
	}
	rest, ok := strings.CutPrefix(path, "$.")
	rest, ok2 := strings.CutSuffix(rest, "[*]")
	parts := strings.Split(rest, "[*].")
	for _, p := range parts {
		if p == "" || strings.ContainsAny(p, "[]*$^ ") {
			ok = false
		}
	}
	if !ok || !ok2 {
		c.fail(at, "explode path %q is not of the form $.a[*] or $.a[*].b.c[*]", path)
	}
	c.plan.explode = parts
}

func (c *mappingCompiler) nulls(n *yaml.Node) {
	texts := []string{"-", "", "N/A", "0.0.0.0@nat"}
	if n != nil {
		texts = c.texts(n)
	}
	c.plan.nulls = newNullTexts(texts)
}

// filters reads which records are no flows by rule, under the reasons that are counted.
func (c *mappingCompiler) filters(n *yaml.Node) {
	if isNullNode(n) {
		return
	}
	reasons := []string{FilterNoData, FilterDuplicate, FilterStart, FilterUnselected}
	keys := c.keys(n, reasons...)
	for _, reason := range reasons {
		if keys[reason] != nil {
			c.plan.filters = append(c.plan.filters, mappingFilter{reason, c.predicate(keys[reason])})
		}
	}
}

// kind reads the kind of the records, which state: {pair: mirror} makes half unless said otherwise.
func (c *mappingCompiler) kind(kind, state *yaml.Node) {
	if !isNullNode(state) {
		keys := c.keys(state, "pair", "join")
		if n := keys["join"]; !isNullNode(n) {
			c.fail(n, "join is not supported: this decoder keeps no state between records; only pair: mirror is known")
		}
		if n := keys["pair"]; !isNullNode(n) {
			if c.scalar(n) != "mirror" {
				c.fail(n, "unknown pair %q (known: mirror)", n.Value)
			}
			if kind == nil {
				c.plan.fields = append(c.plan.fields, mappingField{fieldKind, constExpr{[]byte(kindNames[Half])}})
			}
		}
	}
	if !isNullNode(kind) {
		for _, f := range c.plan.fields {
			if f.field == fieldKind {
				c.fail(kind, "kind is also given as fields.record_kind")
			}
		}
		if kind.Kind == yaml.ScalarNode {
			c.word(kind, fieldKind)
			c.plan.fields = append(c.plan.fields, mappingField{fieldKind, constExpr{[]byte(kind.Value)}})
			return
		}
		c.plan.fields = append(c.plan.fields, mappingField{fieldKind, c.expression(kind, fieldKind)})
	}
}

func (c *mappingCompiler) swap(n *yaml.Node) {
	if isNullNode(n) {
		return
	}
	keys := c.keys(n, "bytes", "endpoints")
	if n := keys["bytes"]; n != nil {
		c.plan.swapBytes = c.switched(n)
	}
	if n := keys["endpoints"]; n != nil {
		c.plan.swapEnds = c.switched(n)
	}
}

// switched reads true, false or a condition, in which the names of the fields above stand for their values.
func (c *mappingCompiler) switched(n *yaml.Node) predicate {
	switch text := c.scalar(n); text {
	case "true":
		return always{}
	case "false":
		return nil
	default:
		p, err := parsePredicate(text, c.slot, func(name string) (pathRef, bool) {
			f, ok := fieldOf(name)
			return pathRef{from: fromField, slot: int(f), index: -1}, ok && slices.ContainsFunc(c.plan.fields, func(m mappingField) bool { return m.field == f })
		})
		if err != nil {
			c.fail(n, "%w", err)
			return nil
		}
		c.checkColumns(n)
		return p
	}
}
