package configs

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Print writes the effective configuration as YAML, every value with its origin in a comment. Values that are not
// set stand in comments, and so do secrets, as "redacted"; the rest loads again to the same Config.
func Print(c *Config, o *Origins) string {
	p := printer{origins: o}
	p.fields(c.fields(), "", "")
	return p.out.String()
}

type printer struct {
	origins *Origins
	out     strings.Builder
}

func (p *printer) fields(fields []field, above, indent string) {
	for i := range fields {
		f := &fields[i]
		path := join(above, f.key)
		_, given := p.origins.Of(path)
		_, isSecret := f.value.(secretValue)
		switch {
		case f.value == nil:
			comment := "# " // an empty section would not load again
			if p.prints(f.fields, path) {
				comment = ""
			}
			fmt.Fprintf(&p.out, "%s%s%s:\n", indent, comment, f.key)
			p.fields(f.fields, path, indent+"  ")
		case !given:
			fmt.Fprintf(&p.out, "%s# %s: not set\n", indent, f.key)
		case isSecret:
			fmt.Fprintf(&p.out, "%s# %s: %s  # %s\n", indent, f.key, redacted, p.origins.describe(path))
		default:
			p.value(f, path, indent)
		}
	}
}

// prints reports whether any value of a section is more than a comment.
func (p *printer) prints(fields []field, above string) bool {
	for i := range fields {
		f := &fields[i]
		path := join(above, f.key)
		_, given := p.origins.Of(path)
		_, isSecret := f.value.(secretValue)
		if f.value != nil && given && !isSecret || f.value == nil && p.prints(f.fields, path) {
			return true
		}
	}
	return false
}

// value writes a value on one line, and a list of sections or a filled mapping one entry a line.
func (p *printer) value(f *field, path, indent string) {
	comment := "  # " + p.origins.describe(path) + "\n"
	shown := f.value.show()
	list, isList := shown.([]any)
	if m, ok := shown.(members); ok && len(m) > 0 {
		fmt.Fprintf(&p.out, "%s%s:%s", indent, f.key, comment)
		for _, e := range m {
			fmt.Fprintf(&p.out, "%s  %s: %s\n", indent, quote(e.key), flowYAML(e.value))
		}
		return
	}
	if isList && len(list) > 0 {
		if _, ok := list[0].(members); ok {
			fmt.Fprintf(&p.out, "%s%s:%s", indent, f.key, comment)
			for _, e := range list {
				fmt.Fprintf(&p.out, "%s  - %s\n", indent, flowYAML(e))
			}
			return
		}
	}
	fmt.Fprintf(&p.out, "%s%s: %s%s", indent, f.key, flowYAML(shown), comment)
}

// flowYAML writes a shown value on one line. Empty texts in a section are left out: they are not set.
func flowYAML(v any) string {
	var parts []string
	switch v := v.(type) {
	case string:
		return quote(v)
	case []any:
		for _, x := range v {
			parts = append(parts, flowYAML(x))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case members:
		for _, m := range v {
			if m.value != "" {
				parts = append(parts, quote(m.key)+": "+flowYAML(m.value))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// quote writes text as a plain scalar where YAML reads it back as the same text, else in double quotes. A dollar
// before a brace is doubled, since it would begin a variable.
func quote(s string) string {
	s = strings.ReplaceAll(s, "${", "$${")
	var doc yaml.Node
	if err := yaml.Load([]byte("{"+s+": ["+s+"]}"), &doc); err == nil && !strings.ContainsAny(s, "#\n\r") {
		m := doc.Content[0]
		if len(m.Content) == 2 && m.Content[0].Value == s && len(m.Content[1].Content) == 1 {
			if one := m.Content[1].Content[0]; one.Value == s && one.Tag == tagText && one.Style == 0 {
				return s
			}
		}
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// PrintJSON writes the effective configuration and the origin of every value as JSON. Secrets are "redacted",
// values that are not set null.
func PrintJSON(c *Config, o *Origins) []byte {
	origins := map[string]string{}
	for _, path := range o.Paths() {
		at, _ := o.Of(path)
		origins[path] = at.String()
	}
	b, err := json.MarshalIndent(struct {
		Schema  int               `json:"schema"`
		Config  members           `json:"config"`
		Origins map[string]string `json:"origins"`
	}{1, jsonFields(c.fields(), "", o), origins}, "", "  ")
	if err != nil {
		panic(err) // made of strings and numbers
	}
	return append(b, '\n')
}

func jsonFields(fields []field, above string, o *Origins) members {
	list := members{}
	for _, f := range fields {
		path := join(above, f.key)
		_, given := o.Of(path)
		switch {
		case f.value == nil:
			list = append(list, member{f.key, jsonFields(f.fields, path, o)})
		case !given:
			list = append(list, member{f.key, nil})
		default:
			list = append(list, member{f.key, f.value.show()})
		}
	}
	return list
}

// MarshalJSON writes the members in their order.
func (m members) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, e := range m {
		key, err := json.Marshal(e.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(e.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, key...), ':'), value...)
	}
	return append(out, '}'), nil
}
