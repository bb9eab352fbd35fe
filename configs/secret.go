package configs

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// redacted stands for a secret wherever something is printed.
const redacted = "redacted"

// Secret is a value that no print shows. The zero Secret is unset.
type Secret struct {
	value string
	set   bool
}

// NewSecret makes a set Secret.
func NewSecret(value string) Secret { return Secret{value, true} }

// Value is the secret itself, for the one call that needs it.
func (s Secret) Value() string { return s.value }

// IsSet reports whether there is one.
func (s Secret) IsSet() bool { return s.set }

// String is "redacted".
func (s Secret) String() string { return redacted }

// Format writes "redacted" for every verb, so that no %v, %+v, %#v or %x of a Config shows a secret.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText writes "redacted", also for JSON, YAML and slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON writes "redacted".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

const secretForms = "{file: path}, {env: VARIABLE} or {aws_secret: name}"

// secretKey matches keys whose value may be a secret, also misspelt ones: excerpts never show what follows them.
var secretKey = regexp.MustCompile(`(?i)pas+w|pwd|secret|token|credential`)

// secretLine matches such a key with its colon, in text whose structure is not known.
var secretLine = regexp.MustCompile(`(?:` + secretKey.String() + `)\w*["']?\s*:\s?`)

// reference matches the beginning of a reference to a secret.
var reference = regexp.MustCompile(`^\s*(?:\{\s*(?:file|env|aws_secret)\s*:|$)`)

// secretInLine returns where in a line a secret seems to be written out, or -1.
func secretInLine(line string) int {
	for _, at := range secretLine.FindAllStringIndex(line, -1) {
		if !strings.HasSuffix(line[:at[0]], "aws_") && !reference.MatchString(line[at[1]:]) {
			return at[1]
		}
	}
	return -1
}

// quoted is the text of a value for a message: short, and nothing in which a secret seems to be written out.
func quoted(text string) string {
	const most = 200
	if secretLine.MatchString(text) {
		return "<" + redacted + ">"
	}
	if len(text) > most {
		return fmt.Sprintf("%q...", strings.ToValidUTF8(text[:most], ""))
	}
	return fmt.Sprintf("%q", text)
}

// mayHold reports whether the value of a key may be a secret that was written out.
func mayHold(key string, value *yaml.Node) bool {
	return key != "aws_secret" && secretKey.MatchString(key) && !isReference(value)
}

// isReference reports whether a value names a secret and is none.
func isReference(y *yaml.Node) bool {
	if y.Kind != yaml.MappingNode || len(y.Content) != 2 || y.Content[1].Kind != yaml.ScalarNode {
		return false
	}
	switch y.Content[0].Value {
	case "file", "env", "aws_secret":
		return true
	}
	return false
}

// secretValue is a Secret, which is written as a reference.
type secretValue struct{ to *Secret }

func (v secretValue) decode(l *loader, path string, n *node) {
	n, ok := l.opened(path, n, "{")
	if !ok {
		return
	}
	if n.yaml != nil && !isReference(n.yaml) {
		n.at.src.hide(n.yaml)
	}
	if n.kind != kindMapping || len(n.entries) != 1 {
		l.fault(path, n, "a secret must be written as %s", secretForms)
		return
	}
	key, name := n.entries[0].key, n.entries[0].value
	at := join(path, key)
	switch {
	case key != "file" && key != "env" && key != "aws_secret":
		l.fault(path, n, "a secret must be written as %s", secretForms)
	case name.unknown:
		l.bad[path] = true
	case name.kind != kindScalar || name.text == "":
		l.fault(at, name, "want text")
	case l.check:
		*v.to = NewSecret("")
	default:
		v.resolve(l, at, key, name)
	}
	l.note(at, name)
}

func (v secretValue) resolve(l *loader, path, key string, n *node) {
	var value string
	switch key {
	case "env":
		var set bool
		if value, set = l.o.Env(n.text); !set {
			l.fault(path, n, "environment variable %s is not set", n.text)
			return
		}
	case "file":
		data, err := l.o.ReadFile(n.text)
		if err != nil {
			l.fault(path, n, "cannot read the secret: %v", err)
			return
		}
		value = strings.TrimRight(string(data), "\r\n")
	default:
		if l.o.SecretFromAWS == nil {
			l.fault(path, n, "aws_secret cannot be used here: no access to AWS Secrets Manager; use {file:} or {env:}")
			return
		}
		var err error
		if value, err = l.o.SecretFromAWS(n.text); err != nil {
			l.fault(path, n, "cannot read the secret: %v", err)
			return
		}
	}
	if value == "" {
		l.fault(path, n, "the secret is empty")
		return
	}
	*v.to = NewSecret(value)
}

func (v secretValue) show() any {
	if !v.to.set {
		return nil
	}
	return redacted
}

func (v secretValue) word() string { return "a secret: " + secretForms }

func (v secretValue) schema() schema {
	name := schema{"type": "string"}
	return schema{"type": "object", "properties": schema{"file": name, "env": name, "aws_secret": name},
		"additionalProperties": false, "minProperties": 1, "maxProperties": 1}
}
