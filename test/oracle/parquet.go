package oracle

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// ReadDataset reads all rows of a dataset below the root of a version (the folder that holds data/), with the
// keys of their paths as text columns. Without files there are no rows.
func ReadDataset(root, dataset string) ([]Row, error) {
	folder := filepath.Join(root, "data", "features", dataset)
	if dataset == Lookback {
		folder = filepath.Join(root, "data", "reference", dataset)
	}
	if _, err := os.Stat(folder); os.IsNotExist(err) {
		return nil, nil
	}
	var rows []Row
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".parquet" {
			return err
		}
		part, err := readParquet(path)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		below, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		for _, level := range strings.Split(filepath.ToSlash(below), "/") {
			name, value, isKey := strings.Cut(level, "=")
			for _, row := range part {
				if _, double := row[name]; isKey && double {
					return fmt.Errorf("read %s: path key %s is also a column", path, name)
				}
				if isKey {
					row[name] = value
				}
			}
		}
		rows = append(rows, part...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read dataset %s: %w", dataset, err)
	}
	return rows, nil
}

func readParquet(path string) ([]Row, error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	table, err := r.ReadTable(context.Background())
	if err != nil {
		return nil, err
	}
	defer table.Release()
	rows := make([]Row, table.NumRows())
	for i := range rows {
		rows[i] = Row{}
	}
	for c := range int(table.NumCols()) {
		column := table.Column(c)
		at := 0
		for _, chunk := range column.Data().Chunks() {
			for i := range chunk.Len() {
				if rows[at][column.Name()], err = cell(chunk, i); err != nil {
					return nil, fmt.Errorf("column %s: %w", column.Name(), err)
				}
				at++
			}
		}
	}
	return rows, nil
}

// cell is one value: float32 becomes float64, timestamps become UTC times.
func cell(a arrow.Array, i int) (any, error) {
	if a.IsNull(i) {
		return nil, nil
	}
	switch a := a.(type) {
	case *array.Int64:
		return a.Value(i), nil
	case *array.Float64:
		return a.Value(i), nil
	case *array.Float32:
		return float64(a.Value(i)), nil
	case *array.String:
		return strings.Clone(a.Value(i)), nil
	case *array.Dictionary:
		return cell(a.Dictionary(), a.GetValueIndex(i))
	case *array.Timestamp:
		kind := a.DataType().(*arrow.TimestampType)
		if kind.Unit != arrow.Microsecond || kind.TimeZone != "UTC" {
			return nil, fmt.Errorf("timestamp in %s of zone %q, want microseconds UTC", kind.Unit, kind.TimeZone)
		}
		return time.UnixMicro(int64(a.Value(i))).UTC(), nil
	}
	return nil, fmt.Errorf("unexpected type %s", a.DataType())
}
