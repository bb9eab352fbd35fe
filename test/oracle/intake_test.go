package oracle

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCloses(t *testing.T) {
	for _, c := range []struct {
		filled []int64
		count  int
		last   int64
	}{
		{nil, 0, 0},
		{[]int64{5}, 1, 5},
		{[]int64{-2, 1}, 4, 1},
		{[]int64{0, 97}, 98, 97}, // 96 empty closes, then 97 follows anyway
		{[]int64{0, 98}, 98, 98}, // 97 is jumped over
		{[]int64{0, 5000}, 98, 5000},
	} {
		got := closes(c.filled)
		if len(got) != c.count || len(got) > 0 && got[len(got)-1] != c.last {
			t.Errorf("closes(%v) are %d to %v, want %d to %d", c.filled, len(got), got[max(0, len(got)-1):], c.count, c.last)
		}
	}
}

// flowAt is one Zeek row of 10.0.0.1 with a tag in the source bytes.
func flowAt(t *testing.T, ts, bytes string) string {
	return at(t, ts) + "\t10.0.0.1\t5000\t8.8.8.8\t443\ttcp\t-\tSF\t" + bytes + "\t1\n"
}

func TestLateness(t *testing.T) {
	result := run(t, DefaultOptions(), "zeek-tsv", zeekHeader+
		flowAt(t, "2023-01-02 10:00:00", "1")+
		flowAt(t, "2023-01-02 11:14:59.999999", "2")+ // watermark 10:14:59.999999
		flowAt(t, "2023-01-02 10:14:00", "3")+ // in place: its slice ends at 10:15
		flowAt(t, "2023-01-02 11:15:00", "4")+ // watermark 10:15
		flowAt(t, "2023-01-02 10:14:00", "5")+ // late
		flowAt(t, "2023-01-02 10:15:00", "6")+
		flowAt(t, "2023-01-02 09:00:00", "7")) // late, and before the first closed slice
	var onTime, late []int64
	for _, f := range result.OnTimeFlows {
		onTime = append(onTime, *f.SourceBytes)
	}
	for _, f := range result.LateFlows {
		late = append(late, *f.SourceBytes)
	}
	if diff := cmp.Diff(onTime, []int64{1, 2, 3, 4, 6}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(late, []int64{5, 7}); diff != "" {
		t.Error(diff)
	}
	if got := result.Closed[0]; !got.Equal(time.Date(2023, 1, 2, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("first close %v", got)
	}
}

func TestMergeByTime(t *testing.T) {
	// Alone, the first file would leave the second one's flow two hours behind.
	result := run(t, DefaultOptions(), "zeek-tsv",
		zeekHeader+flowAt(t, "2023-01-02 10:00:00", "1")+flowAt(t, "2023-01-02 13:00:00", "3"),
		zeekHeader+"broken\n"+flowAt(t, "2023-01-02 11:00:00", "2"))
	var order []int64
	for _, f := range result.OnTimeFlows {
		order = append(order, *f.SourceBytes)
	}
	if diff := cmp.Diff(order, []int64{1, 2, 3}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(result.Accounting.Rejected, map[string]int{"malformed": 1}); diff != "" {
		t.Error(diff)
	}
}

func TestRejectsAndFilters(t *testing.T) {
	o := DefaultOptions()
	o.Start = time.Date(2023, 1, 2, 12, 0, 0, 0, time.UTC)
	row := func(cells string) string { return strings.ReplaceAll(cells, " ", "\t") + "\n" }
	result := run(t, o, "zeek-tsv", row("1 10.0.0.1 1 8.8.8.8 2 tcp - SF 1 1")+ // before a header
		zeekHeader+
		row("x 10.0.0.1 1 8.8.8.8 2 tcp - SF 1 1")+
		row("1 10.0.0.1 70000 8.8.8.8 2 tcp - SF 1 1")+
		row("1 10.0.0.1 1 8.8.8.8 2 tcp - SF 1")+
		row("1 10.0.0.300 1 8.8.8.8 2 tcp - SF 1 1")+
		row("- 10.0.0.1 1 8.8.8.8 2 tcp - SF 1 1")+
		row("1 10.0.0.1 - 8.8.8.8 - tcp - SF - -")+
		row("1672661101 10.0.0.1 1 8.8.8.8 2 tcp - SF 1 1")+ // 12:05:01
		row("1672661100 10.0.0.1 1 8.8.8.8 2 tcp - SF 1 1")+
		row("1 9.9.9.9 1 8.8.8.8 2 tcp - SF 1 1"))
	want := Accounting{Accepted: 1, Filtered: map[string]int{"external": 1}, Rejected: map[string]int{
		"malformed": 4, "missing_address": 1, "missing_time": 1, "empty_record": 1, "future_time": 1}}
	if diff := cmp.Diff(result.Accounting, want); diff != "" {
		t.Error(diff)
	}
}

func TestSliceOffsetAndNegativeTimes(t *testing.T) {
	o := DefaultOptions()
	o.Offset = 8 * time.Minute
	result := run(t, o, "zeek-tsv", zeekHeader+"-0.000001\t10.0.0.1\t1\t8.8.8.8\t2\ttcp\t-\tSF\t1\t1\n"+
		"480.0\t10.0.0.1\t1\t8.8.8.8\t2\ttcp\t-\tSF\t1\t1\n")
	for start, want := range map[string]Row{
		"1969-12-31T23:53:00Z": {"dt": "1969-12-31", "hh": "23", "mm": "53", "sessions_cnt": 1},
		"1970-01-01T00:08:00Z": {"dt": "1970-01-01", "hh": "00", "mm": "08", "sessions_cnt": 1},
	} {
		when, _ := time.Parse(time.RFC3339, start)
		check(t, find(t, result, Delta, Row{"slice_start_ts": when}), want)
	}
	if n := len(result.Tables[Lookback]); n != 1 { // the slice that starts at 23:53 is the last of its day
		t.Errorf("%d lookback30d rows, want 1", n)
	}
}

func TestHalves(t *testing.T) {
	line := func(cells string) string { return "2 1 eni-1 " + cells + " OK\n" }
	result := run(t, DefaultOptions(), "vpc-text",
		line("10.0.0.1 8.8.8.8 50000 443 6 3 300 1000 1010 ACCEPT")+
			line("8.8.8.8 10.0.0.1 443 50000 6 5 900 1001 1012 ACCEPT")+
			line("10.0.0.2 8.8.4.4 50001 53 17 1 60 1000 1010 ACCEPT")+
			"2 1 eni-1 - - - - - - - 1000 1010 - NODATA\n"+
			line("6.6.6.6 10.0.0.1 40000 22 6 1 40 1300 1310 REJECT"))
	slice := time.Date(1970, 1, 1, 0, 15, 0, 0, time.UTC)
	check(t, find(t, result, Delta, Row{"host_ip": "10.0.0.1", "role": "outbound", "slice_start_ts": slice}), Row{
		"sessions_cnt": 1, "bytes_src_sum": 300, "bytes_dst_sum": 900, "duration_sum": 12.0, "tcp_cnt": 1, "allow_cnt": 1})
	check(t, find(t, result, Delta, Row{"host_ip": "10.0.0.2", "role": "outbound"}), Row{
		"sessions_cnt": 1, "bytes_dst_sum": 0, "zero_reply_cnt": 0, "udp_cnt": 1})
	check(t, find(t, result, Delta, Row{"host_ip": "10.0.0.1", "role": "inbound"}), Row{
		"sessions_cnt": 1, "deny_cnt": 1, "bytes_src_sum": 40, "admin_port_sessions_cnt": 1})
	want := Accounting{Accepted: 3, Filtered: map[string]int{"absorbed": 1, "nodata": 1}, Rejected: map[string]int{}}
	if diff := cmp.Diff(result.Accounting, want); diff != "" {
		t.Error(diff)
	}
}
