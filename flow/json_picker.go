package flow

import (
	"encoding/binary"
	"math"
	"strings"
)

// jsonPicker reads the values at a fixed set of paths out of one JSON object after the other, checks the rest of
// the text on the way, and allocates nothing once it has seen the shapes of a source. It says yes and no as
// jsonScanner does.
//
// It is fast because records of one source look alike: it remembers the text between two values (`,"app":`) and
// which text came next the last time, so that most keys cost one comparison. A text that was not expected is
// parsed, found in a map, and expected from then on. Nothing depends on the guesses but the time.
type jsonPicker struct {
	nodes  []pickNode
	steps  int         // how many have been learned
	once   pickStep    // stands for a lead that is not worth keeping
	values []pickValue // by slot
	found  []int32     // the slots that were given a value by this record, some of them twice
	buf    []byte
	arena  []byte // resolved escapes
}

// pickNode is a place in the tree of paths.
type pickNode struct {
	slot  int32 // of the path that ends here, or -1
	steps map[string]*pickStep
	keys  map[string]int32 // nodes one step below
	below []int32          // slots of the paths that go on from here
	entry *pickStep        // stands for the opening bracket of an object here
}

// pickStep is a text between values, seen once in an object at some node: from the end of the value before it,
// or from the opening bracket, up to the value after it. It is sound JSON, since it was parsed when it was seen.
type pickStep struct {
	next *pickStep // the step that followed the last time; never nil
	// words are the bytes of the lead at 0, at middle and at its last eight, when it has 8 to 24: three loads
	// compare it faster than a call.
	words  [3]uint64
	middle int
	lead   string
	slot   int32 // where the value goes, or -1
	node   int32 // the node of the value if paths go on below it, or -1
}

// noStep is the successor of a step that has had none. It matches no text: at its length the three words are
// the same eight bytes, which cannot be 0 and 1.
var noStep = &pickStep{lead: "no match", words: [3]uint64{0, 1, 0}, slot: -1, node: -1}

func newPickStep(lead string) *pickStep {
	s := &pickStep{lead: lead, slot: -1, node: -1, next: noStep}
	if n := len(lead); n >= 8 && n <= 24 {
		s.middle = min(8, n-8)
		for i, at := range [3]int{0, s.middle, n - 8} {
			s.words[i] = binary.LittleEndian.Uint64([]byte(lead[at:]))
		}
	}
	return s
}

// pickValue is a jsonValue as offsets.
type pickValue struct {
	kind       jsonKind
	escaped    bool
	start, end int32
}

const (
	pickRoot     = 0
	pickMaxSteps = 1 << 12
	pickMaxLead  = 128
)

// newJSONPicker makes a picker of paths: keys parted by dots, where each dot may be a step into a nested object or
// part of a key. The slot of a path is its index.
func newJSONPicker(paths []string) *jsonPicker {
	p := &jsonPicker{values: make([]pickValue, len(paths))}
	p.addNode()
	for slot, path := range paths {
		at := int32(pickRoot)
		for key := range strings.SplitSeq(path, ".") {
			p.nodes[at].below = append(p.nodes[at].below, int32(slot))
			at = p.child(at, key)
		}
		p.nodes[at].slot = int32(slot)
	}
	p.forget()
	return p
}

func (p *jsonPicker) addNode() int32 {
	p.nodes = append(p.nodes, pickNode{slot: -1, keys: map[string]int32{}})
	return int32(len(p.nodes) - 1)
}

func (p *jsonPicker) child(at int32, key string) int32 {
	n, ok := p.nodes[at].keys[key]
	if !ok {
		n = p.addNode()
		p.nodes[at].keys[key] = n
	}
	return n
}

// forget drops all that was learned about the source.
func (p *jsonPicker) forget() {
	p.steps = 0
	for i := range p.nodes {
		p.nodes[i].steps = map[string]*pickStep{}
		p.nodes[i].entry = &pickStep{slot: -1, node: -1, next: noStep}
	}
}

// begin drops the values of the last record.
func (p *jsonPicker) begin(record []byte) {
	if p.steps > pickMaxSteps {
		p.forget() // keys that are data would fill the memory
	}
	p.buf, p.arena = record, p.arena[:0]
	for _, slot := range p.found {
		p.values[slot] = pickValue{}
	}
	p.found = p.found[:0]
}

// pick reads a record. After an error the values are those of no record.
func (p *jsonPicker) pick(record []byte) error {
	p.begin(record)
	if len(record) > math.MaxInt32 {
		return &jsonError{math.MaxInt32, "record is too large"}
	}
	i := skipJSONSpace(record, 0)
	if i == len(record) || record[i] != '{' {
		return &jsonError{i, "no object"}
	}
	i, err := p.object(pickRoot, i, 1)
	if err != nil {
		return err
	}
	if i = skipJSONSpace(record, i); i != len(record) {
		return &jsonError{i, "text after the object"}
	}
	return nil
}

// object reads the object at i, whose place in the tree is node, and returns the index after it.
func (p *jsonPicker) object(node int32, i, depth int) (int, error) {
	if depth > jsonMaxDepth {
		return i, &jsonError{i + 1, "nested too deep"}
	}
	b := p.buf
	at := p.nodes[node].entry
	for first := true; ; first = false {
		step := at.next
		if end := i + len(step.lead); end < len(b) && b[end] > ' ' && step.matches(b[i:end]) {
			i = end
		} else {
			var done bool
			var err error
			if step, i, done, err = p.member(node, at, i, first); done || err != nil {
				return i, err
			}
		}
		at = step
		if b[i] == '"' {
			end, escaped, err := scanJSONString(b, i+1)
			if err != nil {
				return end, err
			}
			p.set(step, pickValue{jsonString, escaped, int32(i + 1), int32(end)})
			i = end + 1
			continue
		}
		if end := jsonDigits(b, i); end < len(b) && b[end] == ',' && b[i] != '0' && end > i {
			p.set(step, pickValue{jsonNumber, false, int32(i), int32(end)})
			i = end
			continue
		}
		var err error
		if i, err = p.value(step, i, depth); err != nil {
			return i, err
		}
	}
}

// matches compares a text of the length of the lead.
func (s *pickStep) matches(t []byte) bool {
	if len(t) < 8 || len(t) > 24 {
		return string(t) == s.lead
	}
	return binary.LittleEndian.Uint64(t) == s.words[0] &&
		binary.LittleEndian.Uint64(t[s.middle:]) == s.words[1] &&
		binary.LittleEndian.Uint64(t[len(t)-8:]) == s.words[2]
}

// set stores a value, if it is wanted. A member that replaces the first part of a path replaces what was found
// below it.
func (p *jsonPicker) set(step *pickStep, v pickValue) {
	if step.node >= 0 {
		for _, slot := range p.nodes[step.node].below {
			p.values[slot] = pickValue{}
		}
	}
	if step.slot >= 0 {
		p.values[step.slot] = v
		p.found = append(p.found, step.slot)
	}
}

// value reads the value at i that is no string.
func (p *jsonPicker) value(step *pickStep, i, depth int) (int, error) {
	if p.buf[i] == '{' && step.node >= 0 {
		slot, node := step.slot, step.node // the walk below may use p.once
		p.set(step, pickValue{})
		end, err := p.object(node, i, depth+1)
		if err == nil && slot >= 0 {
			p.values[slot] = pickValue{jsonObject, false, int32(i), int32(end)}
			p.found = append(p.found, slot)
		}
		return end, err
	}
	v, end, err := scanJSONValue(p.buf, i, depth)
	if err != nil {
		return end, err
	}
	p.set(step, pickValue{v.kind, false, int32(i), int32(end)})
	return end, nil
}

// member parses what is between two values, or the end of the object (done). at is the step before.
func (p *jsonPicker) member(node int32, at *pickStep, i int, first bool) (next *pickStep, value int, done bool, err error) {
	b, start := p.buf, i
	if first {
		if i = skipJSONSpace(b, i+1); i < len(b) && b[i] == '}' {
			return nil, i + 1, true, nil
		}
	} else {
		switch i = skipJSONSpace(b, i); {
		case i == len(b):
			return nil, i, false, &jsonError{i, "input ends inside a container"}
		case b[i] == '}':
			return nil, i + 1, true, nil
		case b[i] != ',':
			return nil, i, false, &jsonError{i, "no comma"}
		}
		i = skipJSONSpace(b, i+1)
	}
	key, value, err := scanJSONKey(b, i)
	if err == nil && value == len(b) {
		err = &jsonError{value, "no value"}
	}
	if err != nil {
		return nil, value, false, err
	}
	next = p.step(node, b[start:value], key)
	if at != &p.once && next != &p.once {
		at.next = next
	}
	return next, value, false, nil
}

// step finds the step of a lead, or makes it.
func (p *jsonPicker) step(node int32, lead []byte, key jsonValue) *pickStep {
	if next, ok := p.nodes[node].steps[string(lead)]; ok {
		return next
	}
	s := &p.once
	if len(lead) > pickMaxLead || p.steps > pickMaxSteps {
		*s = *noStep
		s.next = noStep
	} else {
		s = newPickStep(string(lead))
		p.nodes[node].steps[s.lead] = s
		p.steps++
	}
	if target := p.descend(node, p.resolve(key.escaped, key.raw)); target >= 0 {
		s.slot = p.nodes[target].slot
		if len(p.nodes[target].keys) > 0 {
			s.node = target
		}
	}
	return s
}

// descend follows a key, whose dots are steps, from a node; -1 if no path goes there.
func (p *jsonPicker) descend(node int32, key []byte) int32 {
	for {
		end := 0
		for end < len(key) && key[end] != '.' {
			end++
		}
		next, ok := p.nodes[node].keys[string(key[:end])]
		switch {
		case !ok:
			return -1
		case end == len(key):
			return next
		}
		node, key = next, key[end+1:]
	}
}

// resolve returns what a string says; the result is valid until the next pick.
func (p *jsonPicker) resolve(escaped bool, raw []byte) []byte {
	if !escaped {
		return raw
	}
	start := len(p.arena)
	p.arena = appendUnescaped(p.arena, raw)
	return p.arena[start:len(p.arena):len(p.arena)]
}

// kind returns the type of the value in a slot, jsonNone if the record has none.
func (p *jsonPicker) kind(slot int) jsonKind { return p.values[slot].kind }

// raw returns the value in a slot as it is written, strings without their quotes.
func (p *jsonPicker) raw(slot int) jsonValue {
	v := &p.values[slot]
	return jsonValue{v.kind, v.escaped, p.buf[v.start:v.end:v.end]}
}

// text returns what the value in a slot says, valid until the next pick; nil if there is none.
func (p *jsonPicker) text(slot int) []byte {
	v := &p.values[slot]
	if v.kind == jsonNone {
		return nil
	}
	return p.resolve(v.escaped, p.buf[v.start:v.end:v.end])
}
