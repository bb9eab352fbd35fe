package sinks

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts what object stores are asked and how they answer.
type Metrics struct {
	requests *prometheus.CounterVec   // store, op, outcome
	bytes    *prometheus.CounterVec   // store, op
	seconds  *prometheus.HistogramVec // store, op
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ndr_object_store_requests_total",
			Help: "Object store operations by outcome (ok, created, exists, not_found, canceled, error); " +
				"a retried one counts once.",
		}, []string{"store", "op", "outcome"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ndr_object_store_bytes_total",
			Help: "Bytes of objects read or written by operations that succeeded.",
		}, []string{"store", "op"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "ndr_object_store_seconds",
			Help:    "Duration of object store operations, retries included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9), // 1 ms .. 65 s
		}, []string{"store", "op"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.bytes, m.seconds} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Instrument returns the store with its operations counted in m. The label store is folder or s3.
func Instrument(s Store, m *Metrics) Store {
	name := "other"
	switch s.(type) {
	case *Folder:
		name = "folder"
	case *S3:
		name = "s3"
	}
	return &meteredStore{store: s, name: name, metrics: m}
}

type meteredStore struct {
	store   Store
	name    string
	metrics *Metrics
}

// observe counts one finished operation. done is the outcome of success.
func (s *meteredStore) observe(op, done string, start time.Time, bytes int64, err error) {
	outcome := done
	switch {
	case err == nil:
		s.metrics.bytes.WithLabelValues(s.name, op).Add(float64(bytes))
	case errors.Is(err, fs.ErrExist):
		outcome = "exists"
	case errors.Is(err, fs.ErrNotExist):
		outcome = "not_found"
	case errors.Is(err, context.Canceled):
		outcome = "canceled"
	default:
		outcome = "error"
	}
	s.metrics.requests.WithLabelValues(s.name, op, outcome).Inc()
	s.metrics.seconds.WithLabelValues(s.name, op).Observe(time.Since(start).Seconds())
}

func (s *meteredStore) Get(ctx context.Context, key string, off, n int64) ([]byte, error) {
	start := time.Now()
	b, err := s.store.Get(ctx, key, off, n)
	s.observe("get", "ok", start, int64(len(b)), err)
	return b, err
}

func (s *meteredStore) Open(ctx context.Context, key string) (Object, error) {
	start := time.Now()
	o, err := s.store.Open(ctx, key)
	s.observe("open", "ok", start, 0, err)
	if err != nil {
		return nil, err
	}
	return &meteredObject{Object: o, store: s}, nil
}

func (s *meteredStore) Create(ctx context.Context, key string, body io.ReadSeeker) error {
	start := time.Now()
	err := s.store.Create(ctx, key, body)
	s.observe("create", "created", start, bodySize(body), err)
	return err
}

func (s *meteredStore) Replace(ctx context.Context, key string, body io.ReadSeeker, ifMatch string) error {
	start := time.Now()
	err := s.store.Replace(ctx, key, body, ifMatch)
	s.observe("replace", "ok", start, bodySize(body), err)
	return err
}

func (s *meteredStore) Stat(ctx context.Context, key string) (Info, error) {
	start := time.Now()
	info, err := s.store.Stat(ctx, key)
	s.observe("stat", "ok", start, 0, err)
	return info, err
}

func (s *meteredStore) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	start := time.Now()
	keys, err := s.store.List(ctx, prefix, after, limit)
	s.observe("list", "ok", start, 0, err)
	return keys, err
}

func (s *meteredStore) Delete(ctx context.Context, key string) error {
	start := time.Now()
	err := s.store.Delete(ctx, key)
	s.observe("delete", "ok", start, 0, err)
	return err
}

// bodySize is the size of a body that has been sent; its position no longer matters.
func bodySize(body io.ReadSeeker) int64 {
	n, err := body.Seek(0, io.SeekEnd)
	if err != nil {
		return 0
	}
	return n
}

// meteredObject counts the reads of an opened object, not the fewer requests that serve them.
type meteredObject struct {
	Object
	store *meteredStore
}

func (o *meteredObject) ReadAt(p []byte, off int64) (int, error) {
	start := time.Now()
	n, err := o.Object.ReadAt(p, off)
	failed := err
	if errors.Is(err, io.EOF) { // the end of the object, not a fault
		failed = nil
	}
	o.store.observe("read", "ok", start, int64(n), failed)
	return n, err
}
