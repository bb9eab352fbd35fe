package flow

import (
	"bytes"
	"fmt"
	"slices"
)

// columnSource holds the columns of a record that is no JSON, or of a tuple inside one.
type columnSource struct {
	cells []csvCell
	texts [][]byte // of kv, and of cells once they are cut; nil is absent
	arena []byte
}

// maxMappingColumns bounds the columns that are cut out of one line.
const maxMappingColumns = 1024

// column returns a column as a string; jsonNone if the line has fewer.
func (s *columnSource) column(i int) jsonValue {
	if i < 0 || i >= len(s.texts) || s.texts[i] == nil {
		return jsonValue{}
	}
	return jsonValue{kind: jsonString, raw: s.texts[i]}
}

func (s *columnSource) reset() {
	s.texts, s.arena = s.texts[:0], s.arena[:0]
}

// splitComma cuts a line of comma separated values.
func (s *columnSource) splitComma(line []byte) error {
	s.reset()
	if s.cells == nil {
		s.cells = make([]csvCell, maxMappingColumns)
	}
	n, unclosed := splitCSV(line, s.cells)
	if unclosed >= 0 {
		return fmt.Errorf("quote in column %d, offset %d, is not closed", n, unclosed)
	}
	for _, c := range s.cells[:n] {
		v := line[c.start:c.end:c.end]
		if c.doubled {
			start := len(s.arena)
			s.arena = append(s.arena, bytes.ReplaceAll(v, []byte(`""`), []byte(`"`))...)
			v = s.arena[start:len(s.arena):len(s.arena)]
		}
		s.texts = append(s.texts, v)
	}
	return nil
}

// splitSpace cuts a line at runs of white space.
func (s *columnSource) splitSpace(line []byte) {
	s.reset()
	s.texts = append(s.texts, bytes.Fields(line)...)
}

// splitKeys reads key=value pairs into the columns of the keys that are wanted. Pairs are parted by spaces or
// commas; a value in double quotes may hold both, and \" for a quote. Of a repeated key the first one counts,
// since devices append what they repeat. Text without = is passed over, as syslog headers are.
func (s *columnSource) splitKeys(line []byte, keys []string) error {
	s.reset()
	for range keys {
		s.texts = append(s.texts, nil)
	}
	for i := 0; i < len(line); {
		start := i
		for i < len(line) && line[i] != '=' && line[i] != ' ' && line[i] != ',' {
			i++
		}
		if i == len(line) || line[i] != '=' {
			i++
			continue
		}
		key := line[start:i]
		value, end, ok := s.keyValue(line, i+1)
		if !ok {
			return fmt.Errorf("quote of key %.40q, offset %d, is not closed", key, i+1)
		}
		i = end + 1
		if at := slices.Index(keys, string(key)); at >= 0 && s.texts[at] == nil {
			s.texts[at] = value
		}
	}
	return nil
}

// keyValue reads the value at i and returns the index of what ends it.
func (s *columnSource) keyValue(line []byte, i int) (value []byte, end int, ok bool) {
	if i == len(line) || line[i] != '"' {
		for end = i; end < len(line) && line[end] != ' ' && line[end] != ','; end++ {
		}
		return line[i:end:end], end, true
	}
	start := len(s.arena)
	for end = i + 1; end < len(line); end++ {
		switch {
		case line[end] == '"':
			return s.arena[start:len(s.arena):len(s.arena)], end + 1, true
		case line[end] == '\\' && end+1 < len(line) && (line[end+1] == '"' || line[end+1] == '\\'):
			end++
		}
		s.arena = append(s.arena, line[end])
	}
	return nil, end, false
}
