package state

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// ReadMeta returns what the store in cfg.Dir knows of itself and changes nothing. A store that is in use is an
// error; of one that a crash left, it is as far as the store was flushed.
func ReadMeta(cfg Config) (m Meta, err error) {
	if err := cfg.Validate(); err != nil {
		return Meta{}, fmt.Errorf("read state: %w", err)
	}
	cfg = cfg.withDefaults()
	defer func() {
		if err != nil {
			err = fmt.Errorf("read state %s: %w", cfg.Dir, err)
		}
	}()
	desc, err := pebble.Peek(cfg.Dir, cfg.FS)
	if err != nil {
		return Meta{}, err
	}
	if !desc.Exists {
		return Meta{}, errors.New("there is no store in it")
	}
	cache := pebble.NewCache(cfg.CacheBytes)
	defer cache.Unref()
	s := &Store{cfg: cfg, opts: pebbleOptions(cfg, cache)}
	s.opts.ReadOnly = true
	if s.db, err = pebble.Open(cfg.Dir, s.opts); err != nil {
		return Meta{}, err
	}
	err = s.readMeta()
	return s.meta, errors.Join(err, s.db.Close())
}
