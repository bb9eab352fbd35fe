package oracle

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// File is one input: its lines without line ends. Times, if given, holds the record time of each line in
// nanoseconds since the Unix epoch.
type File struct {
	Name  string
	Lines []string
	Times []int64
}

// ReadFiles reads the files that match a glob, gzip or plain.
func ReadFiles(glob string) ([]File, error) {
	names, err := filepath.Glob(glob)
	if err != nil {
		return nil, fmt.Errorf("match %s: %w", glob, err)
	}
	var files []File
	for _, name := range names {
		text, err := readText(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		files = append(files, File{Name: name, Lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")})
	}
	return files, nil
}

func readText(name string) (string, error) {
	raw, err := os.ReadFile(name)
	if err != nil || !bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		return string(raw), err
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	raw, err = io.ReadAll(z)
	return string(raw), err
}

// decode turns every line of a file into a flow or into the reason why it is none; a line that belongs to the
// format's header gives nil.
func decode(f File, format string, o *Options) ([]*Flow, error) {
	var line func(string) *Flow
	switch format {
	case "zeek-tsv":
		line = new(zeekTable).line
	case "zeek-json":
		line = zeekJSON
	case "panos-json":
		line = panosJSON
	case "panos-csv":
		line = func(s string) *Flow { return panosCSV(s, o.DeviceZone) }
	case "suricata-eve":
		line = suricata
	case "vpc-text":
		line = (&vpcTable{fields: o.VPCFields}).line
	default:
		return nil, fmt.Errorf("unknown format %q", format)
	}
	flows := make([]*Flow, len(f.Lines))
	for i, s := range f.Lines {
		if s = strings.TrimSuffix(s, "\r"); strings.TrimSpace(s) != "" {
			flows[i] = line(s)
		}
	}
	return flows, nil
}

// object parses one JSON object into dotted names and the text of its scalars. Numbers keep their digits, null
// and arrays are left out.
func object(line string) (map[string]string, error) {
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("parse object: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("parse object: text after it")
	}
	flat := map[string]string{}
	flatten(tree, "", flat)
	return flat, nil
}

func flatten(tree map[string]any, prefix string, flat map[string]string) {
	for k, v := range tree {
		switch v := v.(type) {
		case map[string]any:
			flatten(v, prefix+k+".", flat)
		case json.Number:
			flat[prefix+k] = v.String()
		case string:
			flat[prefix+k] = v
		case bool:
			flat[prefix+k] = fmt.Sprint(v)
		}
	}
}
