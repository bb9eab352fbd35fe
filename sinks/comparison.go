package sinks

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"ndr/feature"
)

// comparison is the baselines that one close reads. release ends it.
type comparison struct {
	checks  []func() error
	release func()
}

// check tells of the first error that reading the baselines came upon.
func (c *comparison) check() error {
	var errs []error
	for _, f := range c.checks {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// compare opens the horizons of the named publication for the close of a slice, in the time band of its end.
func (p *Publisher) compare(ctx context.Context, s feature.Slice, key string, fgc *feature.FGCConfig) (*comparison, error) {
	shared, err := p.publications.acquire(ctx, p, key)
	if err != nil {
		return nil, err
	}
	c := &comparison{release: func() { p.publications.release(shared) }}
	band := p.cfg.Close.Calendar.At(p.cfg.Close.Clock.End(s)).Band
	for _, name := range shared.HorizonNames() {
		b, done, err := shared.Baselines(name, band)
		if err != nil {
			c.release()
			return nil, err
		}
		c.checks = append(c.checks, done)
		fgc.Horizons = append(fgc.Horizons, feature.FGCHorizon{Label: name, Baselines: b, MissingPairTables: shared.Missing(name)})
	}
	return c, nil
}

// publicationCache holds the publications that closes read at the moment, and the last one read: each is fetched once
// per process.
type publicationCache struct {
	mu   sync.Mutex
	open map[string]*sharedPublication
}

type sharedPublication struct {
	*BaselinePublication
	users int
}

// acquire returns the publication of a key, fetching it if it is not there. Others that nobody reads go.
func (c *publicationCache) acquire(ctx context.Context, p *Publisher, key string) (*sharedPublication, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.open[key]; s != nil {
		s.users++
		return s, nil
	}
	o, err := p.cfg.Layout.Parse(key)
	if err != nil {
		return nil, fmt.Errorf("open baselines: %w", err)
	}
	pub, err := OpenPublication(ctx, p.store, p.cfg.Layout, o.Month, o.Revision, p.cfg.BaselineDir)
	if err != nil {
		return nil, err
	}
	for k, s := range c.open {
		if s.users == 0 {
			delete(c.open, k)
			if err := s.Close(); err != nil {
				p.log.Warn("remove old baselines failed", "publication", k, "err", err)
			}
		}
	}
	s := &sharedPublication{pub, 1}
	c.open[key] = s
	return s, nil
}

func (c *publicationCache) release(s *sharedPublication) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.users--
}

// countImputed adds what a close counted to the metrics and returns what its manifest says of it.
func (p *Publisher) countImputed(a feature.FGCAccount) map[string]int64 {
	for reason, n := range a.Imputed {
		p.imputed.WithLabelValues(reason).Add(float64(n))
	}
	for scale, n := range a.Scales {
		p.scales.WithLabelValues(scale).Add(float64(n))
	}
	return a.Imputed
}
