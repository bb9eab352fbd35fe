package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"ndr/sinks"
)

var (
	errInjected = errors.New("injected fault")
	errDead     = errors.New("the process is dead")
)

// Call is one call of an object store: the Nth of its kind, from 1, for the key.
type Call struct {
	Op, Key string
	N       int
}

func (c Call) String() string { return fmt.Sprintf("%s %s (call %d)", c.Op, c.Key, c.N) }

// Mode is how a call goes wrong.
type Mode int

// The ways of failing. A call that is lost was applied, but its caller hears of an error.
const (
	Refused     Mode = iota // not applied
	Lost                    // applied
	RefusedTwin             // not applied, nor is the next one of its kind for the key
	LostTwin                // applied, and the next one of its kind for the key is lost, too
	DeadBefore              // the process dies before the call is applied
	DeadAfter               // the process dies after the call was applied
	modes
)

func (m Mode) String() string {
	return [...]string{"refused", "lost", "refused twice", "lost twice", "death before", "death after"}[m]
}

func (m Mode) applies() bool { return m == Lost || m == LostTwin || m == DeadAfter }
func (m Mode) twice() bool   { return m == RefusedTwin || m == LostTwin }
func (m Mode) dies() bool    { return m == DeadBefore || m == DeadAfter }

// Faulty is the object store as one process sees it: it counts all calls, and the planned ones go wrong. After a
// death every call fails.
type Faulty struct {
	Store sinks.Store
	Fail  Call // goes wrong as How says; the zero Call never comes
	How   Mode
	Die   context.CancelFunc // called at a death

	DieAt int // the process dies after so many creations of keys that hold Of; 0 is never
	Of    string

	Slow Call // takes By longer; the zero Call never comes
	By   time.Duration

	// Chance, if it is set, makes calls slow and lets some go wrong, at random.
	Chance *Chance

	mu struct {
		sync.Mutex
		calls []Call
		seen  map[Call]int // by operation and key
		hit   bool
		of    int // creations of keys that hold Of
		dead  bool
	}
}

// Chance is trouble at random. It may be shared by processes.
type Chance struct {
	MaxDelay    time.Duration // of a call
	Fail, Death float64       // share of the calls

	mu   sync.Mutex
	rand *rand.Rand
}

// NewChance makes trouble from a seed.
func NewChance(seed uint64) *Chance { return &Chance{rand: rand.New(rand.NewPCG(seed, 7))} }

// next decides about one call.
func (c *Chance) next() (delay time.Duration, wrong bool, how Mode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.MaxDelay > 0 {
		delay = time.Duration(c.rand.Int64N(int64(c.MaxDelay)))
	}
	switch x := c.rand.Float64(); {
	case x < c.Death:
		return delay, true, DeadBefore + Mode(c.rand.IntN(2))
	case x < c.Death+c.Fail:
		return delay, true, Refused + Mode(c.rand.IntN(2))
	}
	return delay, false, 0
}

var _ sinks.Store = (*Faulty)(nil)

// Calls returns what was called, in order.
func (f *Faulty) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.calls
}

// Hit reports whether the planned call came.
func (f *Faulty) Hit() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.hit
}

// Dead reports whether the process died.
func (f *Faulty) Dead() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.dead
}

// plan counts the call and tells how it goes wrong, if it does.
func (f *Faulty) plan(op, key string) (wait time.Duration, wrong bool, how Mode, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.dead {
		return 0, false, 0, errDead
	}
	if f.mu.seen == nil {
		f.mu.seen = make(map[Call]int)
	}
	c := Call{op, key, 0}
	f.mu.seen[c]++
	c.N = f.mu.seen[c]
	f.mu.calls = append(f.mu.calls, c)
	if c == f.Slow {
		wait = f.By
	}
	if op == "create" && f.DieAt > 0 && strings.Contains(key, f.Of) {
		if f.mu.of++; f.mu.of == f.DieAt {
			return wait, true, DeadAfter, nil
		}
	}
	again := c
	again.N--
	if c == f.Fail || f.How.twice() && again == f.Fail {
		f.mu.hit = true
		return wait, true, f.How, nil
	}
	return wait, false, 0, nil
}

// do runs one call.
func (f *Faulty) do(op, key string, apply func() error) error {
	wait, wrong, how, err := f.plan(op, key)
	if err != nil {
		return err
	}
	if f.Chance != nil && !wrong {
		var more time.Duration
		more, wrong, how = f.Chance.next()
		wait += more
	}
	time.Sleep(wait)
	if !wrong {
		return apply()
	}
	if how.applies() {
		_ = apply() // the caller never hears of it
	}
	if how.dies() {
		f.mu.Lock()
		f.mu.dead = true
		f.mu.Unlock()
		f.Die()
		return errDead
	}
	return fmt.Errorf("%s %s: %w", op, key, errInjected)
}

// Get implements sinks.Store.
func (f *Faulty) Get(ctx context.Context, key string, off, n int64) (b []byte, err error) {
	err = f.do("get", key, func() (err error) { b, err = f.Store.Get(ctx, key, off, n); return err })
	if err != nil {
		b = nil
	}
	return b, err
}

// Open implements sinks.Store.
func (f *Faulty) Open(ctx context.Context, key string) (o sinks.Object, err error) {
	err = f.do("open", key, func() (err error) { o, err = f.Store.Open(ctx, key); return err })
	if err != nil {
		o = nil
	}
	return o, err
}

// Create implements sinks.Store.
func (f *Faulty) Create(ctx context.Context, key string, body io.ReadSeeker) error {
	return f.do("create", key, func() error { return f.Store.Create(ctx, key, body) })
}

// Replace implements sinks.Store.
func (f *Faulty) Replace(ctx context.Context, key string, body io.ReadSeeker, ifMatch string) error {
	return f.do("replace", key, func() error { return f.Store.Replace(ctx, key, body, ifMatch) })
}

// Stat implements sinks.Store.
func (f *Faulty) Stat(ctx context.Context, key string) (i sinks.Info, err error) {
	err = f.do("stat", key, func() (err error) { i, err = f.Store.Stat(ctx, key); return err })
	return i, err
}

// List implements sinks.Store.
func (f *Faulty) List(ctx context.Context, prefix, after string, limit int) (keys []string, err error) {
	err = f.do("list", prefix, func() (err error) { keys, err = f.Store.List(ctx, prefix, after, limit); return err })
	if err != nil {
		keys = nil
	}
	return keys, err
}

// Delete implements sinks.Store.
func (f *Faulty) Delete(ctx context.Context, key string) error {
	return f.do("delete", key, func() error { return f.Store.Delete(ctx, key) })
}
