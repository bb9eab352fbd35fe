package configs

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// world is what a script sets up: files, the environment and the command line. A load or check ends it.
type world struct {
	files  map[string]string
	env    []string
	flags  map[string]string
	aws    bool
	object bool
}

func newWorld() *world { return &world{files: map[string]string{}, flags: map[string]string{}} }

func (w *world) options() Options {
	o := Options{Environ: w.env, Flags: w.flags, ReadFile: func(path string) ([]byte, error) {
		text, ok := w.files[path]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return []byte(text), nil
	}}
	if w.aws {
		o.SecretFromAWS = func(name string) (string, error) { return "", fmt.Errorf("secret %s is not there", name) }
	}
	if w.object {
		o.ReadObject = o.ReadFile
	}
	return o
}

// small is a configuration that is complete: scripts begin with it where something else is in question.
const small = `version: 1
root: file:///out
source: {type: file, format: zeek-tsv, file: {inputs: [a.log]}}
`

// TestScripts runs testdata/load: what a configuration says, and what the loader says to it.
//
//	file NAME       the content of a file, or of an s3:// object if s3 can be read
//	env, flags      lines NAME=value
//	aws, s3         Secrets Manager, S3 can be reached
//	load, check     the configuration in the input, then everything above is forgotten
//	print           load, and the lines of config print that contain one of the words of the argument "of"
//
// With "raw" the input is ndr.yaml, with "more" it stands behind a small complete configuration; with "nofile" there
// is no file.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/load", func(t *testing.T, path string) {
		w := newWorld()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "file":
				w.files[d.CmdArgs[0].Key] = d.Input + "\n"
			case "env":
				w.env = append(w.env, strings.Split(d.Input, "\n")...)
			case "flags":
				for line := range strings.SplitSeq(d.Input, "\n") {
					path, text, _ := strings.Cut(line, "=")
					w.flags[path] = text
				}
			case "aws":
				w.aws = true
			case "s3":
				w.object = true
			default:
				defer func() { w = newWorld() }()
				return w.run(t, d)
			}
			return ""
		})
	})
}

func (w *world) run(t *testing.T, d *datadriven.TestData) string {
	name := "ndr.yaml"
	switch {
	case d.HasArg("nofile"):
		name = ""
	case d.HasArg("raw"):
		w.files[name] = strings.NewReplacer(`\t`, "\t", `\xff`, "\xff", `\e`, "\x1b").Replace(d.Input) + "\n"
	case d.HasArg("more"):
		w.files[name] = small + d.Input + "\n"
	}
	out := w.load(t, d, name)
	if strings.Contains(out, "hunter2") {
		t.Errorf("%s: the secret is shown:\n%s", d.Pos, out)
	}
	return out
}

func (w *world) load(t *testing.T, d *datadriven.TestData, name string) string {
	if d.Cmd == "check" {
		warnings, err := Check(w.options(), name)
		return said(warnings, err)
	}
	c, o, err := Load(name, w.options())
	if err != nil {
		return said(nil, err)
	}
	if d.Cmd == "print" {
		return printed(d, c, o)
	}
	return said(o.Warnings, nil)
}

func said(warnings []Fault, err error) string {
	var b strings.Builder
	for _, w := range warnings {
		fmt.Fprintln(&b, w)
	}
	switch {
	case err != nil:
		fmt.Fprintln(&b, err)
	default:
		fmt.Fprintln(&b, "ok")
	}
	return b.String()
}

func printed(d *datadriven.TestData, c *Config, o *Origins) string {
	var b strings.Builder
	var words []string
	for _, a := range d.CmdArgs {
		if a.Key == "of" {
			words = a.Vals
		}
	}
	for line := range strings.Lines(Print(c, o)) {
		for _, word := range words {
			if strings.Contains(line, word) {
				b.WriteString(line)
				break
			}
		}
	}
	return b.String()
}
