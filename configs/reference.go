package configs

import (
	"fmt"
	"strings"
)

const referenceIntro = `# Configuration

This page is made from the code that reads the configuration (` + "`go test ./configs -run Reference -rewrite`" + `).
Examples to start from are in [configs/examples](../configs/examples).

The file is YAML and read strictly: unknown keys, duplicate keys and wrong types are errors, and all of them are
reported at once, with line, column and excerpt. ` + "`ndr validate FILE`" + ` checks a file without network and secrets,
` + "`ndr config print`" + ` shows every value with its origin, ` + "`ndr config schema`" + ` writes a JSON Schema for editors.

Where a value comes from, strongest first:

1. the command line;
2. the environment: ` + "`NDR__PATH__TO__KEY`" + `, e.g. ` + "`NDR__SLICES__OFFSET=8m`" + ` for slices.offset. A list is written
   ` + "`a,b`" + ` or ` + "`[a, b]`" + `, a mapping ` + "`{key: value}`" + `;
3. the file;
4. the default.

Values (never keys) may use variables of the environment: ` + "`${NAME}`" + `, an error when it is not set, and
` + "`${NAME:-default}`" + `, which is used when it is not set or empty. ` + "`$${`" + ` stands for ` + "`${`" + `. What is put in is text and never
read as YAML.

Secrets are never written into the file, but named: ` + "`{file: path}`, `{env: VARIABLE}` or `{aws_secret: name}`" + `. They are
printed as ` + "`redacted`" + `.

Durations are written ` + "`90s`, `15m`, `1h30m`, `7d`" + `, sizes ` + "`512KiB`, `64MiB`, `1GiB`" + ` or as a number of bytes. Relative paths
start from the folder in which ndr is started. Values marked *required* have no default.
`

// Reference returns docs/configuration.md.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceIntro)
	fields := new(Config).fields()
	table(&b, "Top level", "", "", fields)
	walk(fields, "", func(path string, f *field) {
		if f.value == nil {
			table(&b, "`"+path+"`", path, f.doc, f.fields)
		}
	})
	return b.String()
}

// table writes the values of a section; a section of sections only gets none.
func table(b *strings.Builder, title, path, doc string, fields []field) {
	var rows strings.Builder
	for _, f := range fields {
		if f.value == nil {
			continue
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s | %s |\n", join(path, f.key), cell(f.value.word()), cell(f.defaultText()), cell(f.doc))
	}
	if rows.Len() == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n", title)
	if doc != "" {
		fmt.Fprintf(b, "\n%s\n", doc)
	}
	fmt.Fprintf(b, "\n| key | value | default | meaning |\n|---|---|---|---|\n%s", rows.String())
}

func (f *field) defaultText() string {
	switch {
	case f.note != "":
		return f.note
	case f.required:
		return "*required*"
	case f.def == "":
		return "none"
	}
	return "`" + f.def + "`"
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
