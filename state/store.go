package state

import (
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"ndr/feature"
)

// Errors on which callers branch.
var (
	ErrDuplicate = errors.New("cut is folded already")
	ErrGap       = errors.New("cut is not the next one of its partition")
	ErrClosed    = errors.New("slice is closed already")
	ErrBehind    = errors.New("cuts of the close are not folded yet")
	ErrRolling   = errors.New("a roll is neither committed nor discarded")
)

// The limits that trim nothing.
const (
	minSlice = feature.Slice(math.MinInt64)
	minDay   = math.MinInt32
)

// lookbackDays is the number of UTC days, that of the closing slice included, of which pairs are remembered.
const lookbackDays = 32

// Store is the store of one shard. It belongs to one goroutine.
type Store struct {
	cfg    Config
	opts   *pebble.Options
	db     *pebble.DB
	meta   Meta
	tables int   // tables written so far, for their names
	small  int   // rows up to which a fold goes through the memtable
	roll   *Roll // the pending one

	limiter *feature.PairLimiter
	scan    *scan // memory kept from close to close
}

// Open opens the store in cfg.Dir: a new one, one that Archive.Restore put there, or the one that Close left. What a
// crash left is not to be opened: restore over it.
func Open(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	s := &Store{cfg: cfg.withDefaults(), small: batchRows}
	s.limiter = feature.NewPairLimiter(s.cfg.MaxPairsPerHost, s.cfg.MaxPortsPerPeer)
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open state %s: %w", cfg.Dir, err)
	}
	return s, nil
}

func (s *Store) open() error {
	fsys := s.cfg.FS
	if err := fsys.RemoveAll(s.tableDir()); err != nil {
		return err
	}
	if err := fsys.MkdirAll(s.tableDir(), 0o755); err != nil {
		return err
	}
	desc, err := pebble.Peek(s.cfg.Dir, fsys)
	if err != nil {
		return err
	}
	cache := pebble.NewCache(s.cfg.CacheBytes)
	defer cache.Unref()
	s.opts = pebbleOptions(s.cfg, cache)
	if s.db, err = pebble.Open(s.cfg.Dir, s.opts); err != nil {
		return err
	}
	if !desc.Exists {
		err = s.create()
	}
	if err == nil {
		err = s.readMeta()
	}
	if err != nil {
		return errors.Join(err, s.db.Close())
	}
	return nil
}

func pebbleOptions(cfg Config, cache *pebble.Cache) *pebble.Options {
	comparer := *pebble.DefaultComparer
	comparer.Name = comparerName
	o := &pebble.Options{
		Cache:              cache,
		Comparer:           &comparer,
		DisableWAL:         true,
		FormatMajorVersion: pebble.FormatNewest,
		FS:                 cfg.FS,
		Logger:             pebbleLogger{cfg.Logger, cfg.Fatal},
		// The manifest is uploaded with each checkpoint: keep it small.
		MaxManifestFileSize: 1 << 20,
		MemTableSize:        uint64(cfg.MemTableBytes),
		Merger:              newMerger(cfg.Kept),
	}
	o.EnsureDefaults()
	return o
}

// create writes the format of a new store.
func (s *Store) create() error {
	if err := s.db.Set([]byte{kindMeta, metaFormat}, appendUint(nil, FormatVersion), pebble.NoSync); err != nil {
		return err
	}
	m := Meta{LogicVersion: s.cfg.LogicVersion}
	if err := s.db.Set([]byte{kindMeta, metaProgress}, m.appendProgress(nil), pebble.NoSync); err != nil {
		return err
	}
	return s.db.Flush()
}

// Meta returns a copy of what the store knows of itself.
func (s *Store) Meta() Meta { return s.meta.clone() }

// Last returns the number of the last folded cut of a partition; 0 is none.
func (s *Store) Last(partition string) uint64 { return s.meta.Partitions[partition].Last }

// Close discards a pending roll and closes the store.
func (s *Store) Close() error {
	var err error
	if s.roll != nil {
		err = s.roll.Discard()
	}
	if err = errors.Join(err, s.db.Flush(), s.db.Close()); err != nil {
		return fmt.Errorf("close state %s: %w", s.cfg.Dir, err)
	}
	return nil
}

// Checkpoint makes a copy of the store in dir, which must not exist: hard links where the file system has them. The
// copy stays as it is while the store goes on; Archive.Upload saves it, with the Meta of this moment.
func (s *Store) Checkpoint(dir string) error {
	if s.roll != nil {
		return fmt.Errorf("make checkpoint %s: %w", dir, ErrRolling)
	}
	if err := s.db.Flush(); err != nil {
		return fmt.Errorf("make checkpoint %s: flush: %w", dir, err)
	}
	if err := s.db.Checkpoint(dir); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make checkpoint %s: the folder exists", dir)
		}
		return fmt.Errorf("make checkpoint %s: %w", dir, err)
	}
	return nil
}

// iterate returns an iterator over the keys in [from, to).
func (s *Store) iterate(from, to []byte) (*pebble.Iterator, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return nil, fmt.Errorf("iterate: %w", err)
	}
	return it, nil
}
