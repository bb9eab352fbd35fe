package configs

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

type nodeKind uint8

const (
	kindScalar nodeKind = iota
	kindList
	kindMapping
)

// node is a value as it was given: by the file, a default or an override.
type node struct {
	kind    nodeKind
	tag     string // YAML type of a scalar of the file
	text    string // of a scalar, variables replaced
	loose   bool   // the text is from a variable or an override: any scalar type may read it
	unknown bool   // the value needs a variable that is not set
	entries []entry
	items   []*node
	at      place
	yaml    *yaml.Node // of the file
}

type entry struct {
	key   string
	at    place
	value *node
}

// place is where a value stands. src and the position belong to values of files.
type place struct {
	origin Origin
	src    *sourceText
	column int
}

func (n *node) get(key string) *node {
	for i := range n.entries {
		if n.entries[i].key == key {
			return n.entries[i].value
		}
	}
	return nil
}

// describe says what a node is, for messages about its type.
func (n *node) describe() string {
	switch {
	case n.kind == kindList:
		return "a list"
	case n.kind == kindMapping:
		return "a section"
	case n.tag == "!!null":
		return "nothing"
	case n.tag == tagText && !n.loose:
		return "the text " + quoted(n.text)
	}
	return quoted(n.text)
}

// reader turns a parsed file into nodes.
type reader struct {
	l      *loader
	src    *sourceText
	expand bool // replace variables
}

func (r *reader) place(y *yaml.Node) place {
	return place{Origin{Kind: FromFile, File: r.src.name, Line: y.Line}, r.src, y.Column}
}

func (r *reader) node(path string, y *yaml.Node) *node {
	n := &node{at: r.place(y), yaml: y, tag: y.ShortTag()}
	known := map[string]bool{"!!null": true, tagText: true, tagInt: true, tagFloat: true, tagBool: true, "!!seq": true,
		"!!map": true, "!!timestamp": true}
	switch {
	case y.Kind == yaml.AliasNode || y.Anchor != "":
		r.l.fault(path, n, "anchors and aliases are not supported; write the value out")
		n.unknown = true
	case !known[n.tag]:
		r.l.fault(path, n, "tags are not supported")
		n.unknown = true
	case y.Kind == yaml.MappingNode:
		n.kind = kindMapping
		r.entries(path, n, y)
	case y.Kind == yaml.SequenceNode:
		n.kind = kindList
		for _, item := range y.Content {
			n.items = append(n.items, r.node(path, item))
		}
	default:
		n.text = y.Value
		if n.tag == "!!timestamp" {
			n.tag = tagText
		}
		if r.expand {
			r.variables(path, n)
		}
	}
	return n
}

func (r *reader) entries(path string, n *node, y *yaml.Node) {
	first := map[string]int{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		at := r.place(k)
		if !isPlainKey(k) {
			r.l.faultAt(at, path, "a key must be plain text; merging is not supported")
			r.src.hide(v) // it is not looked into
			continue
		}
		if mayHold(k.Value, v) {
			r.src.hide(v)
		}
		if line, twice := first[k.Value]; twice {
			r.l.faultAt(at, join(path, k.Value), "duplicate key; the first is in line %d", line)
			continue
		}
		first[k.Value] = k.Line
		n.entries = append(n.entries, entry{k.Value, at, r.node(join(path, k.Value), v)})
	}
}

// isPlainKey reports whether a key is a name and nothing that only YAML can make of one.
func isPlainKey(k *yaml.Node) bool {
	return k.Kind == yaml.ScalarNode && k.ShortTag() != "!!merge" && k.Anchor == "" && len(k.Value) <= 200 &&
		!strings.ContainsAny(k.Value, "\r\n") && !secretLine.MatchString(k.Value)
}

// parse reads a file into a node; nil when it cannot be read at all or is empty.
func (l *loader) parse(src *sourceText, data []byte, expand bool) *node {
	var doc yaml.Node
	if strings.TrimSpace(string(data)) == "" {
		return nil
	}
	err := yaml.Load(data, &doc)
	if err != nil && strings.HasSuffix(err.Error(), "no documents in stream") {
		return nil
	}
	if err != nil {
		l.syntax(src, err)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil
	}
	src.index(&doc)
	r := reader{l, src, expand}
	return r.node("", doc.Content[0])
}

// literal makes a node of YAML text that is no file: a default or an override.
func literal(text string, at place) (*node, error) {
	var doc yaml.Node
	if err := yaml.Load([]byte(text), &doc); err != nil || len(doc.Content) == 0 {
		return nil, fmt.Errorf("is not YAML")
	}
	scratch := &loader{}
	r := reader{scratch, &sourceText{}, false}
	n := r.node("", doc.Content[0])
	if len(scratch.faults) > 0 {
		return nil, fmt.Errorf("is not possible: %s", scratch.faults[0].Message)
	}
	n.moveTo(at)
	return n, nil
}

func (n *node) moveTo(at place) {
	n.at = at
	for _, item := range n.items {
		item.moveTo(at)
	}
	for i := range n.entries {
		n.entries[i].at = at
		n.entries[i].value.moveTo(at)
	}
}
