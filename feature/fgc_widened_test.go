package feature

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// readReasons turns the JSON of rows into what it says.
func readReasons(t *testing.T, rows []row) {
	for _, r := range rows {
		for name, v := range r {
			if !strings.HasPrefix(name, "top_reasons") || v == nil {
				continue
			}
			out := []map[string]any{}
			if err := json.Unmarshal([]byte(v.(string)), &out); err != nil {
				t.Errorf("%v: %s: %v", r["record_id"], v, err)
			}
			r[name] = out
		}
	}
}

// widened is the wide form of the long rows of a horizon.
func widened(long []row, windows []string, shortest func(name string) bool) (wide []row) {
	of := map[string]row{}
	for _, r := range long {
		h := r["host_ip"].(string)
		if of[h] == nil {
			of[h] = row{}
			wide = append(wide, of[h])
		}
		w, win := of[h], r["window_label"].(string)
		for name, v := range r {
			parts := strings.Split(r["record_id"].(string), "|")
			switch {
			case name == "record_id":
				w[name] = strings.Join([]string{parts[0], "all", parts[2], parts[3]}, "|")
			case name == "window_label":
				w[name] = "all"
			case slices.Contains(strings.Fields("feature_spec_version mini_batch_id host_ip window_end_ts baseline_start_ts baseline_end_ts"), name):
				w[name] = v
			case shortest(name):
				if _, ok := w[name]; !ok || win == "w_15m" {
					w[name] = v
				}
			default:
				for _, other := range windows {
					if _, ok := w[wideName(name, other)]; !ok {
						w[wideName(name, other)] = nil
					}
				}
				w[wideName(name, win)] = v
			}
		}
	}
	return wide
}

// wideName puts the window before the transform, and at the end of other names.
func wideName(name, window string) string {
	for i := range NumTransforms {
		t := "_" + Transform(i).String()
		if m, ok := strings.CutSuffix(name, t); ok {
			if _, ok := MetricNamed(strings.TrimPrefix(m, "in_")); ok {
				return m + "_" + window + t
			}
		}
	}
	return fmt.Sprint(name, "_", window)
}
