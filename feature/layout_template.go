package feature

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// template is a path as literals and fields in turn. A field of fixed width takes that many bytes, any other the
// longest run of its characters, so a path matches in one way at most.
type template []piece

type piece struct {
	literal string // with field ""
	field   string
}

const (
	shardWidth  = 4
	numberWidth = 20 // of the largest uint64
	dateLayout  = "2006-01-02"
	monthLayout = "2006-01"
)

// parseTemplate splits a text at its {fields}; a brace without its match is literal.
func parseTemplate(text string) (t template) {
	for text != "" {
		open := strings.IndexByte(text, '{')
		end := strings.IndexByte(text, '}')
		if open < 0 || end < open {
			return append(t, piece{literal: text})
		}
		if open > 0 {
			t = append(t, piece{literal: text[:open]})
		}
		t = append(t, piece{field: text[open+1 : end]})
		text = text[end+1:]
	}
	return t
}

// String is the text of the template.
func (t template) String() string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.literal)
		if p.field != "" {
			b.WriteString("{" + p.field + "}")
		}
	}
	return b.String()
}

// upTo returns how many pieces come before field n, counted from 0.
func (t template) upTo(n int) int {
	for i, p := range t {
		if p.field == "" {
			continue
		}
		if n == 0 {
			return i
		}
		n--
	}
	return len(t)
}

// append writes the first n pieces for the object.
func (t template) append(dst []byte, o *Object, n int) ([]byte, error) {
	for _, p := range t[:n] {
		if p.field == "" {
			dst = append(dst, p.literal...)
			continue
		}
		text, err := o.field(p.field)
		if err != nil {
			return nil, err
		}
		dst = append(dst, text...)
	}
	return dst, nil
}

// match reads all fields of the path into the object. What it accepts need not be canonical.
func (t template) match(path string, o *Object) bool {
	for _, p := range t {
		n := len(p.literal)
		if p.field == "" {
			if !strings.HasPrefix(path, p.literal) {
				return false
			}
		} else if n = fieldLen(p.field, path); n > len(path) || !o.setField(p.field, path[:n]) {
			return false
		}
		path = path[n:]
	}
	return path == ""
}

// field writes a field and checks its value.
func (o *Object) field(name string) (string, error) {
	switch name {
	case "dt", "hh", "mm":
		return minuteField(name, o.Minute)
	case "shard":
		if o.Shard < 0 || o.Shard > 9999 {
			return "", fmt.Errorf("shard %d: want 0 to 9999", o.Shard)
		}
		return fmt.Sprintf("%0*d", shardWidth, o.Shard), nil
	case "number":
		return fmt.Sprintf("%0*d", numberWidth, o.Number), nil
	case "revision":
		if o.Revision < 1 {
			return "", fmt.Errorf("revision %d: want 1 or more", o.Revision)
		}
		return strconv.Itoa(o.Revision), nil
	case "slice":
		if at, err := time.Parse(sliceLayout, o.Slice); err != nil || at.Format(sliceLayout) != o.Slice {
			return "", fmt.Errorf("slice %q: want YYYYMMDDTHHMMZ", o.Slice)
		}
		return o.Slice, nil
	case "baseline_month", "snapshot_month":
		if at, err := time.Parse(monthLayout, o.Month); err != nil || at.Format(monthLayout) != o.Month {
			return "", fmt.Errorf("month %q: want YYYY-MM", o.Month)
		}
		return o.Month, nil
	case "format":
		if o.Name != "md" && o.Name != "parquet" {
			return "", fmt.Errorf("format %q: want md or parquet", o.Name)
		}
		return o.Name, nil
	}
	text, class := o.named(name)
	if !isName(*text, class) {
		return "", fmt.Errorf("%s %q: want 1 to %d of %s, the first no '.'", name, *text, maxName, class)
	}
	return *text, nil
}

// minuteField writes a path key of the time; years have four digits.
func minuteField(name string, minute int64) (string, error) {
	const earliest, latest = -1036120320, 4223371679 // 0000-01-01T00:00Z, 9999-12-31T23:59Z
	if minute < earliest || minute > latest {
		return "", fmt.Errorf("minute %d: year is not in 0000 to 9999", minute)
	}
	at := time.Unix(minute*60, 0).UTC()
	switch name {
	case "hh":
		return at.Format("15"), nil
	case "mm":
		return at.Format("04"), nil
	}
	return at.Format(dateLayout), nil
}

// fieldLen is the length of the field at the start of the path.
func fieldLen(name, path string) int {
	switch name {
	case "dt":
		return len(dateLayout)
	case "hh", "mm":
		return 2
	case "shard":
		return shardWidth
	case "number":
		return numberWidth
	case "slice":
		return len(sliceLayout)
	case "baseline_month", "snapshot_month":
		return len(monthLayout)
	}
	class := digits
	if name != "revision" {
		_, class = new(Object).named(name)
	}
	return len(path) - len(strings.TrimLeft(path, string(class)))
}

// setField reads a field that field wrote. Times add up, for a template may have their parts in any order.
func (o *Object) setField(name, text string) (ok bool) {
	var err error
	switch name {
	case "dt":
		var at time.Time
		at, err = time.Parse(dateLayout, text)
		o.Minute += floorDiv(at.Unix(), 60)
	case "hh", "mm", "shard", "revision", "number":
		var n uint64
		n, err = strconv.ParseUint(text, 10, 64)
		o.setNumber(name, n)
	case "slice":
		o.Slice = text
	case "baseline_month", "snapshot_month":
		o.Month = text
	default:
		to, _ := o.named(name)
		*to = text
	}
	return err == nil
}

func (o *Object) setNumber(name string, n uint64) {
	switch name {
	case "hh":
		o.Minute += int64(n) * 60
	case "mm":
		o.Minute += int64(n)
	case "shard":
		o.Shard = int(n)
	case "revision":
		o.Revision = int(n)
	case "number":
		o.Number = n
	}
}

// nameClass is the characters that a name may have.
type nameClass string

const (
	digits    nameClass = "0123456789"
	lower     nameClass = digits + "abcdefghijklmnopqrstuvwxyz"
	lowerName nameClass = lower + "._-"
	dataName  nameClass = lower + "_/"
	mixedName nameClass = lowerName + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

const maxName = 200 // file systems take 255 bytes

// named returns where the text field is kept and what it may hold.
func (o *Object) named(field string) (*string, nameClass) {
	switch field {
	case "source":
		return &o.Source, lowerName
	case "partition":
		return &o.Partition, mixedName
	case "dataset":
		return &o.Dataset, dataName
	case "format":
		return &o.Name, lower
	case "baseline_horizon":
		return &o.Horizon, lower
	}
	return &o.Name, lowerName
}

// isName reports whether s is 1 to maxName characters of the class and neither hidden nor a step upwards.
func isName(s string, class nameClass) bool {
	return s != "" && len(s) <= maxName && s[0] != '.' && strings.TrimLeft(s, string(class)) == "" &&
		s[0] != '/' && s[len(s)-1] != '/' && !strings.Contains(s, "//")
}
