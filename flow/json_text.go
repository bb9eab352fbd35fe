package flow

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	jsonOnes  = 0x0101010101010101
	jsonHighs = 0x8080808080808080
)

func skipJSONSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// scanJSONKey reads a key and its colon from i on and returns the index of the value.
func scanJSONKey(b []byte, i int) (key jsonValue, value int, err error) {
	if i == len(b) || b[i] != '"' {
		return key, i, &jsonError{i, "no key"}
	}
	end, escaped, err := scanJSONString(b, i+1)
	if err != nil {
		return key, i, err
	}
	colon := skipJSONSpace(b, end+1)
	if colon == len(b) || b[colon] != ':' {
		return key, i, &jsonError{colon, "no colon"}
	}
	return jsonValue{jsonString, escaped, b[i+1 : end : end]}, skipJSONSpace(b, colon+1), nil
}

// jsonSpecial flags, by its high bit, the first of eight bytes (loaded little-endian) that ends or interrupts a
// string: a backslash, a quote or a byte below 0x20, the latter two being those that with bit 1 flipped are at most
// 0x20. Behind the first one, the borrow of the subtractions may flag others too; 0 is none.
func jsonSpecial(w uint64) uint64 {
	q, e := w^(2*jsonOnes), w^('\\'*jsonOnes)
	return ((q-0x21*jsonOnes)&^q | (e-jsonOnes)&^e) & jsonHighs
}

// firstJSONSpecial is the index of the first byte that jsonSpecial flagged.
func firstJSONSpecial(special uint64) int { return bits.TrailingZeros64(special) >> 3 }

// scanJSONString finds the closing quote of the string whose first byte is at i, and checks escapes and control
// characters on the way.
func scanJSONString(b []byte, i int) (end int, escaped bool, err error) {
	for {
		for ; i+8 <= len(b); i += 8 {
			if special := jsonSpecial(binary.LittleEndian.Uint64(b[i:])); special != 0 {
				i += firstJSONSpecial(special)
				break
			}
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			i++
		}
		switch {
		case i == len(b):
			return i, escaped, &jsonError{i, "string is not closed"}
		case b[i] == '"':
			return i, escaped, nil
		case b[i] != '\\':
			return i, escaped, &jsonError{i, "control character in a string"}
		}
		n := jsonEscapeLen(b[i:])
		if n == 0 {
			return i, escaped, &jsonError{i, "bad escape"}
		}
		i, escaped = i+n, true
	}
}

// jsonEscapeLen returns the length of the escape sequence that b begins with, 0 if it is none.
func jsonEscapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := jsonHex4(b); ok {
			return 6
		}
	}
	return 0
}

// jsonHex4 reads \uXXXX.
func jsonHex4(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendUnescaped resolves the escapes of a checked string. A lone surrogate becomes U+FFFD, as in
// encoding/json.
func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			i++
			continue
		}
		c := s[i+1]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, n := jsonRune(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		dst = append(dst, c)
		i += 2
	}
	return dst
}

// jsonRune reads \uXXXX, or two of them that are a surrogate pair, and returns the bytes used.
func jsonRune(s []byte) (rune, int) {
	r, _ := jsonHex4(s)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := jsonHex4(s[6:]); ok {
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, 12
		}
	}
	return utf8.RuneError, 6
}

// scanJSONNumber returns the end of the number that begins at i; ok is false if none does.
func scanJSONNumber(b []byte, i int) (end int, ok bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	digits := jsonDigits(b, i)
	if digits == i || b[i] == '0' && digits > i+1 {
		return digits, false
	}
	i = digits
	if i < len(b) && b[i] == '.' {
		if digits = jsonDigits(b, i+1); digits == i+1 {
			return digits, false
		}
		i = digits
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if digits = jsonDigits(b, i); digits == i {
			return digits, false
		}
		i = digits
	}
	return i, true
}

func jsonDigits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// scanJSONValue reads one whole value at i, inside depth containers, and returns it with the index after it.
func scanJSONValue(b []byte, i, depth int) (v jsonValue, end int, err error) {
	if i == len(b) {
		return v, i, &jsonError{i, "no value"}
	}
	switch c := b[i]; {
	case c == '"':
		end, escaped, err := scanJSONString(b, i+1)
		if err != nil {
			return v, end, err
		}
		return jsonValue{jsonString, escaped, b[i+1 : end : end]}, end + 1, nil
	case c == '-' || c-'0' <= 9:
		end, ok := scanJSONNumber(b, i)
		if !ok {
			return v, end, &jsonError{end, "bad number"}
		}
		return jsonValue{jsonNumber, false, b[i:end:end]}, end, nil
	case c == '{':
		end, err = skipJSONContainer(b, i+1, depth+1, '}')
		return jsonValue{jsonObject, false, b[i:end:end]}, end, err
	case c == '[':
		end, err = skipJSONContainer(b, i+1, depth+1, ']')
		return jsonValue{jsonArray, false, b[i:end:end]}, end, err
	}
	for kind, word := range [...]string{jsonTrue: "true", jsonFalse: "false", jsonNull: "null"} {
		if end = i + len(word); word != "" && end <= len(b) && string(b[i:end]) == word {
			return jsonValue{jsonKind(kind), false, b[i:end:end]}, end, nil
		}
	}
	return v, i, &jsonError{i, "no value"}
}

// skipJSONContainer checks a container from behind its opening bracket on and returns the index after the
// closing one.
func skipJSONContainer(b []byte, i, depth int, closing byte) (end int, err error) {
	if depth > jsonMaxDepth {
		return i, &jsonError{i, "nested too deep"}
	}
	i = skipJSONSpace(b, i)
	if i < len(b) && b[i] == closing {
		return i + 1, nil
	}
	for {
		if closing == '}' {
			if _, i, err = scanJSONKey(b, i); err != nil {
				return i, err
			}
		}
		if _, i, err = scanJSONValue(b, i, depth); err != nil {
			return i, err
		}
		i = skipJSONSpace(b, i)
		switch {
		case i == len(b):
			return i, &jsonError{i, "input ends inside a container"}
		case b[i] == closing:
			return i + 1, nil
		case b[i] != ',':
			return i, &jsonError{i, "no comma"}
		}
		i = skipJSONSpace(b, i+1)
	}
}
