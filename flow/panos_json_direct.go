package flow

import "encoding/binary"

// direct reads a record in one pass, each value going to its field as soon as its end is found, without the detour
// over the slots of the picker. It gives up, with false, on all that needs a second look: faults, values that
// cannot be read, a key that occurs twice (the last one counts, which may be null), nesting where a field is wanted.
// Then decode reads the record anew; nothing of what direct did is kept.
func (d *panosJSON) direct(b []byte) bool {
	if len(b) == 0 || b[0] != '{' {
		return false
	}
	p := d.picker
	p.begin(b)
	at, i, seen := p.nodes[pickRoot].entry, 0, uint64(0)
	for {
		step := at.next
		if end := i + len(step.lead); end < len(b) && b[end] > ' ' && step.matches(b[i:end]) {
			i = end
		} else {
			value, done := 0, false
			var err error
			if step, value, done, err = p.member(pickRoot, at, i, i == 0); err != nil {
				return false
			} else if done {
				return skipJSONSpace(b, value) == len(b)
			}
			i = value
		}
		at = step
		v, kind := []byte(nil), jsonNumber
		if b[i] == '"' {
			end := plainStringEnd(b, i+1)
			if end >= 0 {
				v = b[i+1 : end : end]
			} else if v, end = p.escapedString(i + 1); end < 0 {
				return false
			}
			i, kind = end+1, jsonString
		} else if end := jsonDigits(b, i); end < len(b) && b[end] == ',' && b[i] != '0' && end > i {
			v, i = b[i:end:end], end
		} else {
			other, end, err := scanJSONValue(b, i, 1)
			if err != nil {
				return false
			}
			v, kind, i = other.raw, other.kind, end
		}
		if step.slot < 0 && step.node < 0 {
			continue
		}
		if step.node >= 0 || kind >= jsonObject || seen>>uint(step.slot)&1 != 0 || !d.take(step.slot, kind, v) {
			return false
		}
		seen |= 1 << uint(step.slot)
	}
}

// take hands a value to the fields that read its slot.
func (d *panosJSON) take(slot int32, kind jsonKind, v []byte) bool {
	if kind == jsonNull {
		return true
	}
	for _, f := range d.bySlot[slot] {
		if !isNull(v) || len(v) > 1 && (f == fieldReason || f == fieldReasonRaw) { // N/A is a reason
			if !d.draft.set(f, v) {
				return false
			}
		}
	}
	return true
}

// escapedString reads the string whose first byte is at i, which may have escapes, as user names with a domain do.
// The end is that of its closing quote, or -1.
func (p *jsonPicker) escapedString(i int) (text []byte, end int) {
	end, escaped, err := scanJSONString(p.buf, i)
	if err != nil {
		return nil, -1
	}
	return p.resolve(escaped, p.buf[i:end:end]), end
}

// plainStringEnd finds the closing quote of a string without escapes that begins at i, or returns -1.
func plainStringEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if special := jsonSpecial(binary.LittleEndian.Uint64(b[i:])); special != 0 {
			i += firstJSONSpecial(special)
			if b[i] != '"' {
				return -1
			}
			return i
		}
	}
	end, escaped, err := scanJSONString(b, i)
	if err != nil || escaped {
		return -1
	}
	return end
}
