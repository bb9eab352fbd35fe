package sinks

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testManifest() *Manifest {
	return &Manifest{
		SchemaVersion: ManifestVersion, Slice: "20260131T2345Z", Shard: 3, Revision: 1, Reason: "late flows",
		Datasets: []ManifestDataset{{Name: "delta", Key: "data/features/delta/dt=2026-01-31/hh=23/mm=45/part-0003.parquet",
			Rows: 12, Bytes: 3456, SHA256: "ab", ContentDigest: "cd"}},
		InputDigest: "ef",
		Inputs:      []ManifestInput{{Source: "flows", Partition: "7", FirstCut: 10, LastCut: 12, From: 1 << 60, To: 1<<60 + 5}},
		Counters: ManifestCounters{Records: 100, Sessions: 190, Late: 2, Rejected: map[string]int64{"bad_ip": 1, "future_time": 2},
			Imputed: map[string]int64{"bytes": 4}},
		BaselinePublication: "data/baselines/x/publication.json",
		ConfigDigests:       map[string]string{"close": "11", "ingest": "22"},
		LogicVersion:        "1", Architecture: "amd64", Writer: "ndr 1.2.3",
		CreatedAt: time.Date(2026, 2, 1, 0, 3, 4, 0, time.UTC),
	}
}

func testDatasetManifest() *DatasetManifest {
	return &DatasetManifest{
		SchemaVersion: ManifestVersion, Slice: "20260131T2345Z",
		Shards:   []ShardManifest{{Shard: 0, Key: "manifests/slice=20260131T2345Z/shard-0000.json", SHA256: "aa"}},
		Datasets: []DatasetTotal{{Name: "delta", Objects: 1, Rows: 12, Bytes: 3456}},
		CloseKey: "control/close/20260131T2345Z", Close: json.RawMessage(`{"slice":5,"previous":4}`),
	}
}

func testSuccess() *Success {
	return &Success{SchemaVersion: ManifestVersion, Slice: "20260131T2345Z",
		Manifest: "manifests/slice=20260131T2345Z/dataset.json", SHA256: "bb"}
}

// TestManifestGolden pins the stored form, which readers of other versions rely on, and reads it back.
func TestManifestGolden(t *testing.T) {
	for _, c := range []struct {
		file   string
		value  any
		encode func() ([]byte, error)
		parse  func([]byte) (any, error)
	}{
		{"manifest.json", testManifest(), testManifest().Encode, func(b []byte) (any, error) { return ParseManifest(b) }},
		{"dataset.json", testDatasetManifest(), testDatasetManifest().Encode,
			func(b []byte) (any, error) { return ParseDatasetManifest(b) }},
		{"_SUCCESS", testSuccess(), testSuccess().Encode, func(b []byte) (any, error) { return ParseSuccess(b) }},
	} {
		got, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/"+c.file, got)
		back, err := c.parse(got)
		if err != nil {
			t.Fatalf("parse %s: %v", c.file, err)
		}
		if m, ok := back.(*DatasetManifest); ok { // comes back indented
			var compact bytes.Buffer
			if err := json.Compact(&compact, m.Close); err != nil {
				t.Fatal(err)
			}
			m.Close = compact.Bytes()
		}
		if d := cmp.Diff(back, c.value); d != "" {
			t.Errorf("%s (-got +want):\n%s", c.file, d)
		}
	}
}

// golden compares with a file, which -rewrite writes anew.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(got), string(want)); d != "" {
		t.Errorf("%s (-got +want):\n%s", file, d)
	}
}

func TestManifestEmptyIsNotNull(t *testing.T) {
	b, err := (&Manifest{SchemaVersion: 1, Slice: "20260131T2345Z"}).Encode()
	if err != nil || bytes.Contains(b, []byte("null")) {
		t.Errorf("%v\n%s", err, b)
	}
}

func TestManifestParse(t *testing.T) {
	good, err := testManifest().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"as it is", "", "", ""},
		{"unknown field", `"slice"`, `"later": {"x": [1]}, "slice"`, ""},
		{"newer version", `"schema_version": 1`, `"schema_version": 2`, "schema_version 2 is newer"},
		{"newer version, other types", `"schema_version": 1,`, `"schema_version": 2, "shard": "three",`, "schema_version 2 is newer"},
		{"no version", `"schema_version"`, `"schema"`, "no schema_version"},
		{"no slice", `20260131T2345Z`, ``, "is not YYYYMMDDTHHMMZ"},
		{"bad slice", `20260131T2345Z`, `20260131T2360Z`, "is not YYYYMMDDTHHMMZ"},
		{"negative shard", `"shard": 3`, `"shard": -3`, "negative"},
		{"negative rows", `"rows": 12`, `"rows": -1`, "incomplete"},
		{"cut short", "}\n", "", "JSON"},
	} {
		_, err := ParseManifest(bytes.Replace(good, []byte(c.old), []byte(c.new), 1))
		if c.name == "cut short" {
			_, err = ParseManifest(good[:len(good)-3])
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, bad := range []string{"", "null", "[]", "{}", `{"schema_version":1,"slice":"20260131T2345Z"}`, `{"schema_version":9}`} {
		if _, err := ParseDatasetManifest([]byte(bad)); err == nil {
			t.Errorf("dataset manifest %s: no error", bad)
		}
	}
	for _, bad := range []string{"", "{}", `{"schema_version":1}`, `{"schema_version":2,"slice":"20260131T2345Z"}`} {
		if _, err := ParseSuccess([]byte(bad)); err == nil {
			t.Errorf("success marker %s: no error", bad)
		}
	}
}
