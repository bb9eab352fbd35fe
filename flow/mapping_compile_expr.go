package flow

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// fields compiles the expressions of all fields, in the order of the fields.
func (c *mappingCompiler) fields(root, n *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		if n == nil {
			n = root
		}
		c.fail(n, "fields is missing: it says where the fields of the record come from")
		return
	}
	nodes := c.keys(n, fieldNames[:]...)
	for f := range fieldCount {
		if node := nodes[fieldNames[f]]; !isNullNode(node) {
			c.plan.fields = append(c.plan.fields, mappingField{f, c.expression(node, f)})
		}
	}
	for _, f := range []field{fieldSourceIP, fieldDestIP} {
		if nodes[fieldNames[f]] == nil {
			c.fail(n, "%s is missing", fieldNames[f])
		}
	}
	if nodes[fieldNames[fieldStart]] == nil && nodes[fieldNames[fieldEnd]] == nil {
		c.fail(n, "event_start and event_end are missing, one is needed")
	}
}

var mappingOperators = []string{
	"path", "tuple", "const", "case", "concat", "add", "sub", // what the value is
	"separator", "regex", "enum", "time", "tz", "unit", "scale", "type", // what becomes of it
}

// expression compiles what stands for one field: a path, a list of which the first counts that is there, or a
// mapping of operators.
func (c *mappingCompiler) expression(n *yaml.Node, f field) expression {
	switch n.Kind {
	case yaml.ScalarNode:
		return c.asTime(pathExpr{c.path(n)}, f, nil)
	case yaml.SequenceNode:
		return c.first(n, f)
	}
	keys := c.keys(n, mappingOperators...)
	e := c.base(n, keys, f)
	if r := keys["regex"]; r != nil {
		re, err := regexp.Compile(c.scalar(r))
		if err != nil {
			c.fail(r, "%w", err)
		}
		e = regexExpr{e, re}
	}
	if t := keys["enum"]; t != nil {
		e = c.enum(t, e, f)
	}
	if s := keys["scale"]; s != nil {
		if f < fieldSourceBytes || f > fieldBytesTotal {
			c.fail(s, "scale multiplies counters, and %s is none", fieldNames[f])
		}
		e = scaleExpr{e, c.operand(s)}
	}
	if t := keys["type"]; t != nil {
		c.checkType(t, f)
	}
	for _, name := range []string{"time", "tz", "unit"} {
		if keys[name] != nil && (!f.isTime() || name == "unit") {
			c.fail(keys[name], "%s does not fit %s", name, fieldNames[f])
		}
	}
	if keys["add"] != nil || keys["sub"] != nil {
		return e
	}
	return c.asTime(e, f, keys)
}

func (c *mappingCompiler) first(n *yaml.Node, f field) expression {
	var list firstExpr
	for _, e := range n.Content {
		list = append(list, c.expression(e, f))
	}
	if len(list) == 0 {
		c.fail(n, "the list is empty")
	}
	return list
}

// base compiles the one operator that says what the value is.
func (c *mappingCompiler) base(n *yaml.Node, keys map[string]*yaml.Node, f field) (e expression) {
	given := []string{}
	for _, name := range mappingOperators[:7] {
		node := keys[name]
		if node == nil {
			continue
		}
		given = append(given, name)
		switch name {
		case "path":
			if node.Kind == yaml.SequenceNode {
				var list firstExpr
				for _, p := range node.Content {
					list = append(list, pathExpr{c.path(p)})
				}
				e = list
			} else {
				e = pathExpr{c.path(node)}
			}
		case "tuple":
			e = pathExpr{c.path(&yaml.Node{Kind: yaml.ScalarNode, Value: "tuple[" + c.scalar(node) + "]", Line: node.Line, Column: node.Column})}
		case "const":
			if keys["enum"] == nil {
				c.word(node, f)
			}
			e = constExpr{[]byte(c.scalar(node))}
		case "case":
			e = c.cases(node, keys, f)
		case "concat":
			e = c.concat(node, keys["separator"])
		case "add", "sub":
			e = c.sum(node, f, name)
		}
	}
	if len(given) != 1 {
		c.fail(n, "exactly one of %s is needed, not %d", strings.Join(mappingOperators[:7], ", "), len(given))
	}
	if e == nil {
		e = constExpr{}
	}
	return e
}

// operand compiles a path, or a number that is a constant.
func (c *mappingCompiler) operand(n *yaml.Node) expression {
	if n.Kind == yaml.ScalarNode && (n.Tag == "!!int" || n.Tag == "!!float") {
		return constExpr{[]byte(n.Value)}
	}
	return pathExpr{c.path(n)}
}

// cases compiles [[condition, value], ..]; a value that begins with $. or ^ is a path, a list or a mapping is an
// expression, and anything else a constant.
func (c *mappingCompiler) cases(n *yaml.Node, keys map[string]*yaml.Node, f field) expression {
	var rows caseExpr
	for _, row := range c.list(n) {
		if row.Kind != yaml.SequenceNode || len(row.Content) != 2 {
			c.fail(row, "a case is [condition, value]")
			continue
		}
		when, then := c.predicate(row.Content[0]), row.Content[1]
		switch {
		case then.Kind != yaml.ScalarNode:
			rows = append(rows, caseRow{when, c.untimed(then, f)})
		case strings.HasPrefix(then.Value, "$.") || strings.HasPrefix(then.Value, "^"):
			rows = append(rows, caseRow{when, pathExpr{c.path(then)}})
		case isNullNode(then):
			rows = append(rows, caseRow{when, firstExpr{}})
		default:
			if keys["enum"] == nil {
				c.word(then, f)
			}
			rows = append(rows, caseRow{when, constExpr{[]byte(then.Value)}})
		}
	}
	return rows
}

// untimed compiles an expression whose text is read as the field later.
func (c *mappingCompiler) untimed(n *yaml.Node, f field) expression {
	if f.isTime() {
		c.fail(n, "a case of a time takes paths only")
		return constExpr{}
	}
	return c.expression(n, f)
}

func (c *mappingCompiler) concat(n, separator *yaml.Node) expression {
	e := concatExpr{separator: "/"}
	if separator != nil {
		e.separator = c.scalar(separator)
	}
	for _, p := range c.list(n) {
		if p.Kind == yaml.MappingNode {
			e.parts = append(e.parts, c.expression(p, fieldRule)) // any text
		} else {
			e.parts = append(e.parts, pathExpr{c.path(p)})
		}
	}
	return e
}

// sum compiles [time, duration]: the first as a time field is, the second a path in seconds or {path, unit}.
func (c *mappingCompiler) sum(n *yaml.Node, f field, name string) expression {
	if !f.isTime() || n.Kind != yaml.SequenceNode || len(n.Content) != 2 {
		c.fail(n, "%s is [time, duration] of a time field", name)
		return constExpr{}
	}
	e := sumExpr{a: c.expression(n.Content[0], f), sign: 1}
	if name == "sub" {
		e.sign = -1
	}
	d := n.Content[1]
	if d.Kind != yaml.MappingNode {
		e.b = durationExpr{pathExpr{c.path(d)}, 9}
		return e
	}
	keys := c.keys(d, "path", "tuple", "const", "unit")
	unit := keys["unit"]
	delete(keys, "unit")
	shift := 9
	if unit != nil {
		shift = c.unit(unit)
	}
	e.b = durationExpr{c.base(d, keys, fieldRule), shift}
	return e
}

// unit is the decimal places from a unit to nanoseconds.
func (c *mappingCompiler) unit(n *yaml.Node) int {
	shift, ok := map[string]int{"s": 9, "ms": 6, "us": 3, "ns": 0}[c.scalar(n)]
	if !ok {
		c.fail(n, "unknown unit %q (known: s, ms, us, ns)", n.Value)
	}
	return shift
}

// asTime makes a time of the value of a time field, by the operators time and tz or automatically.
func (c *mappingCompiler) asTime(e expression, f field, keys map[string]*yaml.Node) expression {
	if !f.isTime() {
		return e
	}
	t := timeExpr{in: e, zone: c.zone, auto: true}
	if n := keys["tz"]; n != nil {
		zone, err := time.LoadLocation(c.scalar(n))
		if err != nil {
			c.fail(n, "%w", err)
		}
		t.zone = zone
	}
	n := keys["time"]
	if n == nil {
		return t
	}
	switch text := c.scalar(n); {
	case text == "auto":
	case text == "unix" || text == "s" || text == "ms" || text == "us" || text == "ns":
		t.auto = false
		if t.shift = 9; text != "unix" {
			t.shift = c.unit(n)
		}
	case strings.Contains(text, "15") || strings.Contains(text, "03"):
		t.auto, t.layout = false, text
	default:
		c.fail(n, "unknown time %q (known: auto, unix, s, ms, us, ns, or a layout like 2006-01-02 15:04:05)", text)
	}
	return t
}

func (c *mappingCompiler) enum(n *yaml.Node, in expression, f field) expression {
	e := enumExpr{in: in, table: map[string][]byte{}}
	if n.Kind != yaml.MappingNode {
		c.fail(n, "enum is a mapping of texts to texts")
		return e
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, to := c.scalar(n.Content[i]), n.Content[i+1]
		value := []byte(c.scalar(to))
		if isNullNode(to) {
			value = nil
		} else {
			c.word(to, f)
		}
		if _, twice := e.table[key]; twice || key == "*" && e.other != nil {
			c.fail(n.Content[i], "%s is given twice", key)
		}
		if key == "*" {
			e.other = value
		} else {
			e.table[key] = value
		}
	}
	return e
}

// word checks a constant of a field whose values are words.
func (c *mappingCompiler) word(n *yaml.Node, f field) {
	words := map[field][]string{
		fieldKind: kindNames[:], fieldOutcome: outcomeNames[:], fieldOrientation: orientationNames[:],
		fieldHint: hintNames[:], fieldTimeRes: timeResNames[:], fieldAction: actionNames[:],
		fieldName: eventNames[:], fieldTransport: transportNames[:],
	}[f]
	if words == nil {
		return
	}
	for _, w := range words {
		if strings.EqualFold(w, n.Value) {
			return
		}
	}
	if _, err := strconv.ParseUint(n.Value, 10, 8); f == fieldTransport && err == nil {
		return
	}
	c.fail(n, "%q is no %s (known: %s)", n.Value, fieldNames[f], strings.Join(words, ", "))
}

// checkType refuses a type that the field does not have: fields have one each.
func (c *mappingCompiler) checkType(n *yaml.Node, f field) {
	want := "text"
	switch {
	case f.isTime():
		want = "time"
	case f == fieldSourceIP || f == fieldDestIP:
		want = "ip"
	case f < fieldTransport:
		want = "uint"
	}
	if got := c.scalar(n); got != want && !(got == "int" && want == "uint") {
		c.fail(n, "type %q does not fit %s, which is %s", got, fieldNames[f], want)
	}
}
