package configs

import (
	"regexp"
	"strings"
)

// orVariable lets a pattern of the JSON Schema pass text with a variable in it.
const orVariable = `|\$\{`

func variable() schema { return schema{"type": "string", "pattern": `\$\{`} }

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variables replaces ${NAME} and ${NAME:-default} in a scalar; $${ stands for ${ itself. The default is used when
// the variable is not set or empty. What comes out is text and never YAML.
func (r *reader) variables(path string, n *node) {
	var out strings.Builder
	rest := n.text
	for {
		i := strings.Index(rest, "${")
		if i < 0 {
			break
		}
		if i > 0 && rest[i-1] == '$' {
			out.WriteString(rest[:i-1] + "${")
			rest = rest[i+2:]
			continue
		}
		out.WriteString(rest[:i])
		body, after, closed := strings.Cut(rest[i+2:], "}")
		name, def, hasDef := strings.Cut(body, ":-")
		if !closed || !variableName.MatchString(name) || strings.Contains(def, "${") {
			r.l.fault(path, n, "a variable is written ${NAME} or ${NAME:-default}, the default without variables; "+
				"write $${ for a plain ${")
			n.unknown = true
			return
		}
		value, set := r.l.o.Env(name)
		switch {
		case set && (value != "" || !hasDef):
			out.WriteString(value)
		case hasDef:
			out.WriteString(def)
		default:
			r.l.unset(path, n, name)
		}
		n.loose = true
		rest = after
	}
	n.text = out.String() + rest
}

// unset reports a variable without a value: a fault, or a warning where nothing is run.
func (l *loader) unset(path string, n *node, name string) {
	n.unknown = true
	if l.check {
		l.warn(path, n, "variable %s is not set here and has no default; the value is not checked", name)
		return
	}
	l.fault(path, n, "variable %s is not set and has no default (${%s:-default})", name, name)
}
