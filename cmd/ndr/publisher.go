package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"ndr/configs"
	"ndr/sinks"
	"ndr/stream"
)

// publisher joins the sinks to the feature stage: it publishes every slice by the close configuration that its record
// names, which another process, or an earlier start of this one, may have decided.
type publisher struct {
	*sinks.Publisher // for this process's own configuration
	p                *pipeline
	mu               sync.Mutex
	by               map[string]*sinks.Publisher // by digest of the close configuration
}

func newPublisher(p *pipeline, own *sinks.Publisher, digest string) *publisher {
	return &publisher{Publisher: own, p: p, by: map[string]*sinks.Publisher{digest: own}}
}

// Begin implements stream.Publisher.
func (p *publisher) Begin(ctx context.Context, r *stream.CloseRecord, shard int, firstKnown int64) (stream.Publication, error) {
	pub, err := p.of(ctx, r.Config)
	if err != nil {
		return nil, fmt.Errorf("close configuration %s: %w", r.Config, err)
	}
	return pub.Begin(ctx, r.Slice, shard, firstKnown, r.Baseline)
}

// of returns the publisher for a close configuration, reading its text the first time.
func (p *publisher) of(ctx context.Context, digest string) (*sinks.Publisher, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pub := p.by[digest]; pub != nil {
		return pub, nil
	}
	text, err := p.p.control.CloseConfig(ctx, digest)
	if err != nil {
		return nil, err
	}
	var c configs.CloseConfig
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	closing, fgc, err := p.p.closing(&c)
	if err != nil {
		return nil, err
	}
	pub := p.With(closing, fgc, c.Layout != "long", c.Layout != "wide")
	p.by[digest] = pub
	return pub, nil
}
