package feature

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTopReasons(t *testing.T) {
	r := testRule(false)
	var of [2][NumMetrics]comparison
	set := func(role Role, m MetricID, x, median, z float64) {
		of[role][m] = comparison{x: x, median: median, z: z, valid: true}
	}
	set(Outbound, MSessionsCnt, 3, 3, 0)
	set(Outbound, MBytesSrcSum, 9e9, 12.5, 1e7)
	set(Outbound, MDenyRatio, 0.25, 0, 6)
	set(Inbound, MAllowCnt, 0, 40, -80)
	set(Inbound, MDenyRatio, 0.125, 0.5, -1.5)
	set(Outbound, MPeerIPNunique, 1, 2, -1.5)
	set(Inbound, MSessionsCnt, 2, 1, 1)
	of[Outbound][MAllowCnt] = comparison{z: 99} // null
	from := [2]chosen{{source: sourceSegment}, {source: sourceHost}}
	metrics := []MetricID{MSessionsCnt, MAllowCnt, MBytesSrcSum, MPeerIPNunique, MDenyRatio}
	list := topReasonsOf(nil, r, metrics, &of)
	got := string(appendReasons(nil, list, r, 2, &of, &from))
	want := `[{"feature":"bytes_src_sum_w_1h","value":9000000000,"median":12.5,"z":6,"source":"host"},` +
		`{"feature":"deny_ratio_w_1h","value":0.25,"median":0,"z":6,"source":"host"},` +
		`{"feature":"in_allow_cnt_w_1h","value":0,"median":40,"z":-6,"source":"segment"},` +
		`{"feature":"peer_ip_nunique_w_1h","value":1,"median":2,"z":-1.5,"source":"host"},` +
		`{"feature":"in_deny_ratio_w_1h","value":0.125,"median":0.5,"z":-1.5,"source":"segment"}]`
	if d := cmp.Diff(got, want); d != "" {
		t.Error(d)
	}
	if !json.Valid([]byte(got)) {
		t.Error("no JSON")
	}
	if got := string(appendReasons(nil, topReasonsOf(list, r, metrics, &[2][NumMetrics]comparison{}), r, 2, &of, &from)); got != "[]" {
		t.Errorf("without baselines: %s", got)
	}
}

func TestReasonNumbersReadBack(t *testing.T) {
	for _, v := range []float64{0, -6, 0.1, 1e-9, 123456.75, 1e15, 1e22, 9007199254740993, -1e-300} {
		text := appendNumber(nil, v)
		var got float64
		if err := json.Unmarshal(text, &got); err != nil || got != v {
			t.Errorf("%g: wrote %s, read %g, %v", v, text, got, err)
		}
	}
}
