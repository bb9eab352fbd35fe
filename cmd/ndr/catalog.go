package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ndr/feature"
	"ndr/sinks"
)

func catalogCommand(io stdio) *cobra.Command {
	c := &cobra.Command{
		Use:   "catalog",
		Short: "Write the feature catalog and the schemas of the tables, or check a written one",
		Example: `  ndr catalog build --out docs/catalog
  ndr catalog build --root s3://features
  ndr catalog check docs/catalog/feature_catalog.md`,
	}
	makeGroup(c)
	c.AddCommand(catalogBuildCommand(io), catalogCheckCommand(io))
	return c
}

func catalogBuildCommand(io stdio) *cobra.Command {
	var root rootFlags
	var out output
	var dir string
	var force bool
	c := &cobra.Command{
		Use:   "build",
		Short: "Write the catalog as Markdown and Parquet, and a schema manifest per table",
		Long: `Build writes the list of all features and the schema of every table, made from the code and the configured layout,
into a folder or beside the tables of a root. What is there and has the same content is left alone; other content is
an error, and nothing is written, unless --force says to replace it.`,
		Example: `  ndr catalog build --out docs/catalog
  ndr catalog build --root file://$PWD/out
  ndr catalog build --config ndr.yaml --force`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			b, err := newCatalogBuild(cmd.Context(), &root, dir)
			if err != nil {
				return err
			}
			b.force = force
			return b.run(cmd.Context(), io, out)
		},
	}
	root.flags(c)
	c.Flags().StringVar(&dir, "out", "", "folder to write into, in place of a root")
	c.Flags().BoolVar(&force, "force", false, "replace files of other content")
	out.flag(c)
	return c
}

// catalogBuild writes the files of the catalog into a store.
type catalogBuild struct {
	store sinks.Store
	where string // for people
	force bool
	files []catalogFile
}

// catalogFile is one file of the catalog and what has become of it.
type catalogFile struct {
	Schema int    `json:"schema,omitempty"` // in JSONL
	Key    string `json:"key"`
	State  string `json:"state"` // created, unchanged, replaced or differs
	Bytes  int    `json:"bytes"`
	body   []byte
	tag    string // of the object to replace
}

type catalogDocument struct {
	Schema int           `json:"schema"`
	Where  string        `json:"where"`
	Files  []catalogFile `json:"files"`
}

func newCatalogBuild(ctx context.Context, root *rootFlags, dir string) (*catalogBuild, error) {
	if dir == "" && !root.given() || dir != "" && root.root != "" {
		return nil, usageError{errors.New("catalog build: want --out DIR, or --root URL or --config FILE")}
	}
	v, err := root.view()
	if err == nil && dir == "" {
		err = v.open(ctx)
	}
	if err != nil {
		return nil, err
	}
	b := &catalogBuild{store: v.store, where: v.url}
	if b.files, err = catalogFiles(v); err != nil || dir == "" {
		return b, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find folder %s: %w", dir, err)
	}
	b.store, b.where = sinks.NewFolder(abs, sinks.Config{}), dir
	folder := path.Dir(b.files[0].Key) + "/"
	for i := range b.files {
		b.files[i].Key = strings.TrimPrefix(b.files[i].Key, folder)
	}
	return b, nil
}

// catalogFiles makes all files, with their keys in the layout; the Markdown is the first.
func catalogFiles(v *rootView) (files []catalogFile, err error) {
	add := func(o feature.Object, body []byte) {
		var key string
		if key, err = v.layout.Path(o); err == nil {
			files = append(files, catalogFile{Key: key, body: body, Bytes: len(body)})
		}
	}
	entries := feature.Catalog(v.cfg.FeatureSpecVersion, v.layout)
	var text, table bytes.Buffer
	if err := feature.WriteCatalogMarkdown(&text, entries); err != nil {
		return nil, err
	}
	add(feature.CatalogObject("md"), text.Bytes())
	if err == nil {
		err = writeCatalogTable(&table, entries, v.cfg.FeatureSpecVersion)
	}
	if err == nil {
		add(feature.CatalogObject("parquet"), table.Bytes())
	}
	for _, t := range publishedTables(v.cfg.Features.Layout) {
		if err != nil {
			return nil, err
		}
		var body []byte
		if body, err = feature.SchemaOf(t).Encode(); err == nil {
			add(feature.SchemaObject(t.Name), body)
		}
	}
	return files, err
}

func writeCatalogTable(w io.Writer, entries []feature.Entry, version string) error {
	t, err := sinks.NewTableWriter(w, feature.FeatureCatalogTable(), map[string]string{sinks.MetaSpecVersion: version})
	if err != nil {
		return err
	}
	if err := t.Write(feature.CatalogBatch(entries)); err != nil {
		return err
	}
	_, err = t.Close()
	return err
}

// wideTables are the tables of the wide layout, by the name of the long table in whose place they stand alone.
var wideTables = map[string]string{feature.DatasetFGAWide: feature.DatasetFGA, feature.DatasetFGCWide: feature.DatasetFGC}

// publishedTables lists the tables that exist with a layout: alone, the wide tables have the names of the long ones.
func publishedTables(layout string) (tables []*feature.Table) {
	for _, t := range feature.Tables() {
		long, isWide := wideTables[t.Name]
		hasWide := slices.Contains(slices.Collect(maps.Values(wideTables)), t.Name)
		switch {
		case isWide && layout == "long", hasWide && layout == "wide":
			continue
		case isWide && layout == "wide":
			t.Name = long
		}
		tables = append(tables, t)
	}
	return tables
}

// run compares all files with what is there, and only then writes.
func (b *catalogBuild) run(ctx context.Context, io stdio, out output) error {
	differ := 0
	for i := range b.files {
		if err := b.compare(ctx, &b.files[i]); err != nil {
			return err
		}
		if b.files[i].State == "differs" {
			differ++
		}
	}
	refused := differ > 0 && !b.force
	for i := range b.files {
		if err := b.write(ctx, &b.files[i], refused); err != nil {
			return err
		}
	}
	if err := out.print(io.out, b.report()); err != nil {
		return err
	}
	if refused {
		return fmt.Errorf("build catalog in %s: %s of other content, nothing is written; --force replaces", b.where, plural(differ, "file"))
	}
	return nil
}

// compare finds out what of a file is there.
func (b *catalogBuild) compare(ctx context.Context, f *catalogFile) error {
	info, err := b.store.Stat(ctx, f.Key)
	if errors.Is(err, fs.ErrNotExist) {
		f.State = "missing"
		return nil
	}
	if err != nil {
		return err
	}
	is, err := b.store.Get(ctx, f.Key, 0, -1)
	if err != nil {
		return err
	}
	if f.State, f.tag = "differs", info.Tag; bytes.Equal(is, f.body) || sameRows(is, f.body) {
		f.State = "unchanged"
	}
	return nil
}

// sameRows reports whether two files are tables of the same rows, though the bytes may be those of other versions
// of the Parquet library.
func sameRows(a, b []byte) bool {
	x, errA := sinks.ReadFooter(bytes.NewReader(a))
	y, errB := sinks.ReadFooter(bytes.NewReader(b))
	digest := func(f *sinks.Footer) string { return f.Meta[sinks.MetaContentDigest] }
	return errA == nil && errB == nil && digest(x) != "" && digest(x) == digest(y)
}

func (b *catalogBuild) write(ctx context.Context, f *catalogFile, refused bool) (err error) {
	switch {
	case refused || f.State == "unchanged":
		return nil
	case f.State == "differs":
		f.State, err = "replaced", b.store.Replace(ctx, f.Key, bytes.NewReader(f.body), f.tag)
	default:
		f.State, err = "created", b.store.Create(ctx, f.Key, bytes.NewReader(f.body))
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write %s: another process writes it too; try again: %w", f.Key, err)
	}
	return err
}

func (b *catalogBuild) report() report {
	var lines []any
	for _, f := range b.files {
		f.Schema = outputSchema
		lines = append(lines, f)
	}
	return report{document: catalogDocument{outputSchema, b.where, b.files}, lines: lines, table: func(w io.Writer) {
		for _, f := range b.files {
			fmt.Fprintf(w, "%s\t%s\t%s\n", f.State, f.Key, size(int64(f.Bytes)))
		}
	}}
}
