package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// sourceText is a file as it was read, for excerpts in messages. Parts that may hold a secret are hidden.
type sourceText struct {
	name   string
	lines  [][]rune
	starts []position // of all nodes, in order
	hidden []span
}

type position struct{ line, column int } // from 1

func (a position) compare(b position) int {
	return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
}

type span struct{ from, to position } // [from, to)

func newSourceText(name string, data []byte) *sourceText {
	s := &sourceText{name: name}
	for line := range strings.SplitSeq(string(data), "\n") {
		s.lines = append(s.lines, []rune(strings.TrimSuffix(line, "\r")))
		if i := secretInLine(line); i >= 0 {
			n := len(s.lines)
			s.hidden = append(s.hidden, span{position{n, len([]rune(line[:i])) + 1}, position{n + 1, 1}})
		}
	}
	return s
}

func positions(y *yaml.Node) []position {
	list := []position{{y.Line, y.Column}}
	for _, c := range y.Content {
		list = append(list, positions(c)...)
	}
	return list
}

// index notes where the nodes of the file begin.
func (s *sourceText) index(doc *yaml.Node) {
	s.starts = positions(doc)
	slices.SortFunc(s.starts, position.compare)
}

// hide keeps a node out of excerpts: everything up to the beginning of the node after it.
func (s *sourceText) hide(y *yaml.Node) {
	own := positions(y)
	last := slices.MaxFunc(own, position.compare)
	to := position{len(s.lines) + 1, 1}
	i, _ := slices.BinarySearchFunc(s.starts, last, position.compare)
	for ; i < len(s.starts); i++ {
		if s.starts[i].compare(last) > 0 {
			to = s.starts[i]
			break
		}
	}
	s.hidden = append(s.hidden, span{own[0], to})
}

// excerptWidth is the most of a line that an excerpt shows, in characters.
const excerptWidth = 100

// excerpt is the line with a caret below the column; it is empty for a position outside the file.
func (s *sourceText) excerpt(line, column int) string {
	if s == nil || line < 1 || line > len(s.lines) {
		return ""
	}
	shown, caret := s.visible(line, column)
	from := max(0, min(caret-excerptWidth/2, len(shown)-excerptWidth))
	shown = shown[from:min(len(shown), from+excerptWidth)]
	gutter := fmt.Sprintf("%5d | ", line)
	pad := []rune(strings.Repeat(" ", len(gutter)-2) + "| ")
	for _, r := range shown[:min(caret-from, len(shown))] {
		if r != '\t' {
			r = ' '
		}
		pad = append(pad, r)
	}
	return gutter + strings.TrimRight(string(shown), " \t") + "\n" + string(pad) + "^\n"
}

// visible is a line without what is hidden and without control characters, and where in it the column lies.
func (s *sourceText) visible(line, column int) (shown []rune, caret int) {
	covered, marker := false, 0 // the marker of the hidden part that i lies in
	for i, r := range s.lines[line-1] {
		hidden := s.isHidden(position{line, i + 1})
		if i+1 == column {
			caret = len(shown)
			if hidden && covered {
				caret = marker
			}
		}
		switch {
		case hidden && !covered:
			marker = len(shown)
			shown = append(shown, []rune("<"+redacted+"> ")...)
		case !hidden && r != '\t' && !unicode.IsPrint(r):
			shown = append(shown, '?')
		case !hidden:
			shown = append(shown, r)
		}
		covered = hidden
	}
	if column > len(s.lines[line-1]) {
		caret = len(shown)
	}
	return shown, caret
}

func (s *sourceText) isHidden(at position) bool {
	for _, h := range s.hidden {
		if at.compare(h.from) >= 0 && at.compare(h.to) < 0 {
			return true
		}
	}
	return false
}

// hideAll hides what follows the first secret of a file that could not be parsed, and reports whether there is
// one. Nothing is known of where the secret ends: the rest of the file is hidden.
func (s *sourceText) hideAll() bool {
	for _, h := range s.hidden {
		s.hidden = append(s.hidden, span{h.from, position{len(s.lines) + 1, 1}})
		return true
	}
	return false
}
