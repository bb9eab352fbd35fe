package sinks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"ndr/feature"
)

// Keys of a table file's footer metadata. The first four are written by TableWriter itself.
const (
	MetaDataset       = "dataset"
	MetaSchemaVersion = "schema_version"
	MetaKey           = "key"            // names of the key columns, joined by commas
	MetaContentDigest = "content_digest" // see RowDigest

	MetaSpecVersion   = "feature_spec_version"
	MetaSlice         = "slice"
	MetaShard         = "shard"
	MetaRevision      = "revision"
	MetaInputDigest   = "input_digest"
	MetaWriterVersion = "writer_version"
)

// A row group, all but the last, has maxGroupRows rows, or fewer in wide tables, so that it has at most groupValues
// values where that leaves minGroupRows rows: this bounds the writer's memory to 16 MiB per table and a little more
// in the widest. Larger groups (up to 128 Ki rows) gain about 4 % in size and no time; smaller ones let a reader
// that wants a few hosts skip more.
const (
	maxGroupRows = 16 << 10
	minGroupRows = 4 << 10
	groupValues  = 2 << 20
)

// groupRows is the number of rows of the table's row groups.
func groupRows(t *feature.Table) int {
	return min(maxGroupRows, max(minGroupRows, groupValues/max(1, len(t.Columns))))
}

// parquetSchema is the Parquet form of the table.
func parquetSchema(t *feature.Table) (*schema.GroupNode, error) {
	fields := make(schema.FieldList, 0, len(t.Columns))
	for i := range t.Columns {
		node, err := parquetField(&t.Columns[i])
		if err != nil {
			return nil, fmt.Errorf("make schema of %s: column %s: %w", t.Name, t.Columns[i].Name, err)
		}
		fields = append(fields, node)
	}
	return schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
}

func parquetField(c *feature.Column) (schema.Node, error) {
	rep := parquet.Repetitions.Required
	if c.Nullable {
		rep = parquet.Repetitions.Optional
	}
	switch c.Type {
	case feature.Int64:
		return schema.NewInt64Node(c.Name, rep, -1), nil
	case feature.Float64:
		return schema.NewFloat64Node(c.Name, rep, -1), nil
	case feature.Float32:
		return schema.NewFloat32Node(c.Name, rep, -1), nil
	case feature.Text:
		return schema.NewPrimitiveNodeLogical(c.Name, rep, schema.StringLogicalType{}, parquet.Types.ByteArray, 0, -1)
	case feature.Timestamp:
		return schema.NewPrimitiveNodeLogical(c.Name, rep,
			schema.NewTimestampLogicalType(true, schema.TimeUnitMicros), parquet.Types.Int64, 0, -1)
	}
	return nil, fmt.Errorf("unknown column type %d", c.Type)
}

// writerProperties are the encodings of a table's columns: zstd at its fastest level (which a slower one does not
// beat by much on these pages), dictionaries for text and counts that repeat, byte-stream-split for Float32, plain
// for Float64.
func writerProperties(t *feature.Table) *parquet.WriterProperties {
	props := []parquet.WriterProperty{
		parquet.WithVersion(parquet.V2_LATEST),
		parquet.WithDataPageVersion(parquet.DataPageV1), // read by everything; V2 gains nothing on flat columns
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(1),
		parquet.WithStats(true),
		parquet.WithBatchSize(maxGroupRows),
		parquet.WithDictionaryDefault(false),
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		switch c.Type {
		case feature.Float32:
			props = append(props, parquet.WithEncodingFor(c.Name, parquet.Encodings.ByteStreamSplit))
		case feature.Text, feature.Timestamp, feature.Int64:
			props = append(props, parquet.WithDictionaryFor(c.Name, !c.Distinct))
		}
	}
	return parquet.NewWriterProperties(props...)
}

// tableOf derives the table from a file's schema, with the name, version and key that its metadata states.
// Distinct is a hint to writers and is not stored.
func tableOf(sc *schema.Schema, meta map[string]string) (*feature.Table, error) {
	t := &feature.Table{Name: meta[MetaDataset]}
	if v := meta[MetaSchemaVersion]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, fmt.Errorf("metadata %s: %w", MetaSchemaVersion, err)
		}
		t.Version = n
	}
	key := strings.Split(meta[MetaKey], ",")
	for i := range sc.NumColumns() {
		c, err := columnOf(sc.Column(i))
		if err != nil {
			return nil, err
		}
		c.Key = slices.Contains(key, c.Name)
		t.Columns = append(t.Columns, c)
	}
	return t, nil
}

func columnOf(d *schema.Column) (feature.Column, error) {
	c := feature.Column{Name: d.Name(), Nullable: d.MaxDefinitionLevel() > 0}
	stamp, isStamp := d.LogicalType().(schema.TimestampLogicalType)
	switch {
	case d.MaxRepetitionLevel() > 0 || d.MaxDefinitionLevel() > 1:
		return c, fmt.Errorf("column %s: nested columns are not ours", d.Path())
	case d.PhysicalType() == parquet.Types.Int64 && isStamp:
		if stamp.TimeUnit() != schema.TimeUnitMicros || !stamp.IsAdjustedToUTC() {
			return c, fmt.Errorf("column %s: timestamps are %s, not UTC microseconds", d.Path(), stamp)
		}
		c.Type = feature.Timestamp
	case d.PhysicalType() == parquet.Types.Int64:
		c.Type = feature.Int64
	case d.PhysicalType() == parquet.Types.Double:
		c.Type = feature.Float64
	case d.PhysicalType() == parquet.Types.Float:
		c.Type = feature.Float32
	case d.PhysicalType() == parquet.Types.ByteArray:
		c.Type = feature.Text
	default:
		return c, fmt.Errorf("column %s: physical type %s is not one of ours", d.Path(), d.PhysicalType())
	}
	return c, nil
}
