package flow

import "bytes"

// unpacker is the part of a decoder between the transport record and its single lines or objects: it peels
// envelopes, splits, and calls one for each. The two kinds of formats differ in what a brace means: for text
// formats it opens an envelope, for JSON formats a record.
type unpacker struct {
	env    envelope
	item   Item
	json   bool
	inside bool // one is called for a message of a JSON envelope
	// one decodes a line or object, which is not empty, and emits exactly one item; for a JSON format it may
	// call nested instead.
	one func(text []byte, emit func(*Item))
}

func newUnpacker(limits Limits, json bool) unpacker {
	return unpacker{env: envelope{limits: limits.withDefaults()}, json: json}
}

// Decode implements Decoder. Empty lines among others give no item; a record that holds nothing else gives one
// unselected item, so that it is counted.
func (u *unpacker) Decode(raw []byte, emit func(*Item)) error {
	text, err := u.env.peel(raw)
	if err != nil {
		return err
	}
	text = bytes.TrimRight(text, "\r\n")
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	if len(trimmed) == 0 {
		u.item.begin(raw)
		u.item.filter(FilterUnselected)
		emit(&u.item)
		return nil
	}
	if trimmed[0] == '{' && !bytes.Contains(trimmed, []byte("\n{")) {
		// One object, which may be written over several lines.
		if u.json {
			u.one(trimmed, emit)
			return nil
		}
		return u.opened(trimmed, emit)
	}
	for len(text) > 0 {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		u.line(bytes.TrimSuffix(line, []byte{'\r'}), emit)
	}
	return nil
}

// line decodes one of several lines of a record.
func (u *unpacker) line(line []byte, emit func(*Item)) {
	switch {
	case len(line) == 0:
	case line[0] == '{' && !u.json:
		u.nested(line, emit)
	default:
		u.one(line, emit)
	}
}

// nested decodes the messages of a JSON envelope; one that cannot be opened is an item, rejected.
func (u *unpacker) nested(object []byte, emit func(*Item)) {
	if err := u.opened(object, emit); err != nil {
		u.item.begin(object)
		if e, ok := err.(*UndecodableError); ok {
			u.item.reject(e.Reason, e.Detail)
		} else {
			u.item.reject(ReasonMalformed, err.Error())
		}
		emit(&u.item)
	}
}

// opened decodes the messages of a JSON envelope, or emits nothing and returns why it cannot be opened.
func (u *unpacker) opened(object []byte, emit func(*Item)) error {
	messages, control, err := u.env.open(object)
	if err != nil {
		return err
	}
	if control {
		u.item.begin(object)
		u.item.filter(FilterUnselected)
		emit(&u.item)
		return nil
	}
	u.inside = true
	defer func() { u.inside = false }()
	for _, m := range messages {
		if m = bytes.TrimRight(m, "\r\n"); len(m) == 0 {
			u.item.begin(object)
			u.item.filter(FilterUnselected)
			emit(&u.item)
			continue
		}
		u.one(m, emit)
	}
	return nil
}
