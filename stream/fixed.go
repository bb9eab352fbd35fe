package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"ndr/feature"
)

// FixRoot creates root.json from what is fixed for a root (shards, slice length and offset, event time, internal
// networks), or compares it with the one that is there. A difference is ErrRefused and names every setting that
// differs.
func (c *Control) FixRoot(ctx context.Context, fixed json.RawMessage) error {
	key, err := c.Layout.Path(feature.RootObject())
	if err != nil {
		return err
	}
	made, err := c.create(ctx, feature.RootObject(), fixed)
	if err != nil || made {
		return err
	}
	var is, want map[string]any
	if err := c.read(ctx, key, &is); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read %s: it was there and is gone: %w", key, err)
		}
		return fmt.Errorf("read %s: %w", key, err)
	}
	if err := json.Unmarshal(fixed, &want); err != nil {
		return fmt.Errorf("fix root: %w", err)
	}
	var differ []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		a, _ := json.Marshal(is[name])
		b, _ := json.Marshal(want[name])
		if string(a) != string(b) {
			differ = append(differ, fmt.Sprintf("%s is %s in the root and %s in the configuration", name, a, b))
		}
	}
	if len(differ) > 0 {
		return fmt.Errorf("%w by %s: %s", ErrRefused, key, strings.Join(differ, "; "))
	}
	return nil
}
