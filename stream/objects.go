package stream

import (
	"context"
	"io"
)

// Objects is the object store as the streaming stages use it. Keys are made by feature.Layout.
type Objects interface {
	// Get returns n bytes from off (n < 0: to the end). A missing object is fs.ErrNotExist; a range that
	// begins past the end gives no bytes.
	Get(ctx context.Context, key string, off, n int64) ([]byte, error)
	// Create makes the object if it does not exist (if-none-match). An existing one is fs.ErrExist; after any
	// other error the outcome is unknown and the same bytes may be sent again.
	Create(ctx context.Context, key string, body io.ReadSeeker) error
	// List returns up to limit keys with the prefix that sort after the given key, in order.
	List(ctx context.Context, prefix, after string, limit int) ([]string, error)
}
