package oracle

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const zeekHeader = "#separator \\x09\n#unset_field\t-\n" +
	"#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\tconn_state\torig_ip_bytes\tresp_ip_bytes\n"

// at writes a UTC time ("2023-01-02 00:01:00") with decimals as Zeek does.
func at(t *testing.T, text string) string {
	t.Helper()
	when, err := time.Parse("2006-01-02 15:04:05.999999", text)
	if err != nil {
		t.Fatal(err)
	}
	return decimal(when.UnixMicro())
}

// decimal writes microseconds as decimal seconds.
func decimal(micros int64) string {
	sign := ""
	if micros < 0 {
		sign, micros = "-", -micros
	}
	return fmt.Sprintf("%s%d.%06d", sign, micros/1e6, micros%1e6)
}

func mustPrefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func mustAddr(s string) netip.Addr     { return netip.MustParseAddr(s) }

func run(t *testing.T, o Options, format string, texts ...string) *Result {
	t.Helper()
	var files []File
	for i, text := range texts {
		files = append(files, File{Name: string(rune('a' + i)), Lines: strings.Split(text, "\n")})
	}
	result, err := Run(files, format, o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// find returns the one row whose columns have the given values.
func find(t *testing.T, result *Result, dataset string, want Row) Row {
	t.Helper()
	var found []Row
next:
	for _, row := range result.Tables[dataset] {
		for k, v := range want {
			if !equal(v, row[k]) {
				continue next
			}
		}
		found = append(found, row)
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d rows with %v, want 1", dataset, len(found), want)
	}
	return found[0]
}

func check(t *testing.T, row, want Row) {
	t.Helper()
	for name, w := range want {
		g, ok := row[name]
		if n, isInt := w.(int); isInt {
			w = int64(n)
		}
		if !ok || !equal(w, g) {
			t.Errorf("%s = %v, want %v", name, g, w)
		}
	}
}

// handExample is two slices of one host; the numbers of the tests below are derived from it on paper.
func handExample(t *testing.T) string {
	row := func(ts string, cells ...string) string { return at(t, ts) + "\t" + strings.Join(cells, "\t") + "\n" }
	return zeekHeader +
		row("2023-01-02 00:01:00", "10.0.0.1", "5000", "8.8.8.8", "53", "udp", "0.5", "SF", "100", "200") +
		row("2023-01-02 00:01:30", "10.0.0.1", "5001", "8.8.8.8", "53", "udp", "-", "SF", "100", "0") +
		row("2023-01-02 00:05:00", "10.0.0.1", "5002", "10.0.0.2", "445", "tcp", "2.0004", "RSTO", "300", "100") +
		row("2023-01-02 00:06:00", "10.0.0.1", "8", "10.0.0.2", "0", "icmp", "-", "SF", "40", "40") +
		row("2023-01-02 00:07:00", "9.9.9.9", "1", "8.8.8.8", "53", "udp", "-", "SF", "7", "7") +
		row("2023-01-02 00:20:00", "10.0.0.1", "5003", "8.8.8.8", "53", "udp", "-", "SF", "10", "10") +
		row("2023-01-02 00:21:00", "10.0.0.1", "5004", "10.0.0.2", "445", "tcp", "-", "REJ", "10", "-") +
		row("2023-01-02 00:22:00", "10.0.0.1", "5005", "1.1.1.1", "53", "udp", "-", "S0", "10", "0")
}

func TestDeltaByHand(t *testing.T) {
	result := run(t, DefaultOptions(), "zeek-tsv", handExample(t))
	start := time.Date(2023, 1, 2, 0, 0, 0, 0, time.UTC)
	row := find(t, result, Delta, Row{"host_ip": "10.0.0.1", "role": "outbound", "slice_start_ts": start})
	check(t, row, Row{
		"sessions_cnt": 4, "allow_cnt": 4, "deny_cnt": 0, "alert_cnt": 0, "rst_cnt": 1, "aged_out_cnt": 3,
		"zero_reply_cnt": 1, "short_session_cnt": 3, "bytes_src_sum": 540, "bytes_dst_sum": 340, "duration_sum": 2.5,
		"peer_ip_nunique": 2, "peer_port_nunique": 2, "peer_segment_nunique": 2,
		"peer_ip_entropy": math.Ln2, "peer_port_entropy": math.Log(3) - 2*math.Ln2/3, // (2/3, 1/3)
		"peer_ip_top1_sessions_share": 0.5, "peer_port_top1_sessions_share": 2.0 / 3,
		"peer_ip_top1_bytes_share": 6.0 / 11, "peer_port_top1_bytes_share": 0.5,
		"max_sessions_per_minute": 2, "tcp_cnt": 1, "udp_cnt": 2, "icmp_cnt": 1, "threat_cnt": 0, "traffic_cnt": 4,
		"high_risk_port_sessions_cnt": 1, "admin_port_sessions_cnt": 0, "fileshare_port_sessions_cnt": 1,
		"directory_port_sessions_cnt": 0, "db_port_sessions_cnt": 0, "is_approximate": 0,
		"segment_id": "10.0.0.0/24", "slice_end_ts": start.Add(15 * time.Minute), "dt": "2023-01-02", "hh": "00", "mm": "00",
		"record_id": "10.0.0.1|outbound|2023-01-02T00:00:00Z", "mini_batch_id": "20230102T0000Z-r0", "feature_spec_version": "v1",
	})
	check(t, find(t, result, Delta, Row{"host_ip": "10.0.0.2", "role": "inbound", "slice_start_ts": start}), Row{
		"sessions_cnt": 2, "bytes_src_sum": 340, "bytes_dst_sum": 140, "peer_ip_nunique": 1, "peer_port_nunique": 1,
		"peer_ip_entropy": 0.0, "peer_ip_top1_bytes_share": 1.0})
	if got := len(result.Tables[Delta]); got != 4 {
		t.Errorf("%d delta rows, want 4", got)
	}
	if got := result.Accounting; got.Accepted != 7 || got.Filtered["external"] != 1 || got.Late != 0 {
		t.Errorf("accounting %+v", got)
	}
}

func TestFGAByHand(t *testing.T) {
	result := run(t, DefaultOptions(), "zeek-tsv", handExample(t))
	first := time.Date(2023, 1, 2, 0, 15, 0, 0, time.UTC)
	row := find(t, result, FGA, Row{"host_ip": "10.0.0.1", "window_label": "w_15m", "window_end_ts": first})
	check(t, row, Row{
		"duration_mean": 2.5 / (4 + 1e-9), "deny_ratio": 0.0, "bytes_asymmetry_ratio": 540.0 / 341,
		"transport_tcp_ratio": 1 / (4 + 1e-9), "transport_udp_ratio": 2 / (4 + 1e-9), "has_high_risk_port_activity": 1,
		"new_peer_cnt_lookback30d": 2, "new_peer_ratio_lookback30d": 2 / (2 + 1e-9), "new_dst_port_cnt_lookback30d": 2,
		"new_pair_cnt_lookback30d": 3, "new_src_dst_port_cnt_lookback30d": 2, "rare_peer_cnt_lookback30d": 0,
		"high_risk_segment_sessions_cnt": 0, "has_high_risk_segment_interaction": 0, "lookback_days": 0,
		"in_sessions_cnt": 0, "in_duration_sum": 0.0, "in_has_high_risk_port_activity": 0, "in_new_peer_cnt_lookback30d": 0,
		"hour_of_day": 0, "day_of_week": "Mon", "is_night_hours": 1, "is_weekend": 0, "time_band": "off_hours",
		"window_start_ts": first.Add(-15 * time.Minute),
	})
	for _, name := range nullable {
		if v, ok := row["in_"+name]; !ok || v != nil {
			t.Errorf("in_%s = %v of a role without flows, want null", name, v)
		}
	}
	// 53 and 445 had 2 and 1 sessions in the slice before, 8.8.8.8 and 10.0.0.2 two each.
	second := first.Add(15 * time.Minute)
	check(t, find(t, result, FGA, Row{"host_ip": "10.0.0.1", "window_label": "w_15m", "window_end_ts": second}), Row{
		"sessions_cnt": 3, "new_peer_cnt_lookback30d": 1, "rare_peer_cnt_lookback30d": 0, "new_dst_port_cnt_lookback30d": 0,
		"rare_dst_port_cnt_lookback30d": 1, "new_pair_cnt_lookback30d": 1, "allow_cnt": 1, "zero_reply_cnt": 1,
		"bytes_dst_sum": 10, "rst_cnt": 0})
	check(t, find(t, result, FGA, Row{"host_ip": "10.0.0.1", "window_label": "w_30m", "window_end_ts": second}), Row{
		"sessions_cnt": 7, "new_peer_cnt_lookback30d": 3, "new_pair_cnt_lookback30d": 4, "max_sessions_per_minute": 2,
		"peer_ip_top1_sessions_share": 3.0 / 7, "window_start_ts": first.Add(-15 * time.Minute)})
	check(t, find(t, result, FGA, Row{"host_ip": "10.0.0.2", "window_label": "w_15m", "window_end_ts": first}), Row{
		"in_new_src_dst_port_cnt_lookback30d": 2, "in_new_dst_port_cnt_lookback30d": 1, "duration_mean": nil})
	if got := len(row); got != 96+4+4+1+1+3+3+4 {
		t.Errorf("%d columns in FG-A", got) // metrics; keys and start; time; band, day, lookback, approximate; common; path
	}
}

func TestPairTablesByHand(t *testing.T) {
	result := run(t, DefaultOptions(), "zeek-tsv", handExample(t))
	end := time.Date(2023, 1, 2, 0, 15, 0, 0, time.UTC)
	check(t, find(t, result, PairCounts, Row{"src_ip": "10.0.0.1", "dst_ip": "8.8.8.8", "event_ts": end}), Row{
		"dst_port": 53, "sessions_cnt": 2, "bytes_src_sum": 200, "bytes_dst_sum": 200, "segment_id": "10.0.0.0/24",
		"hh": "00", "mm": "00"})
	check(t, find(t, result, PairContext, Row{"host_ip": "10.0.0.2", "role": "inbound", "window_end_ts": end}), Row{
		"dst_ip": "10.0.0.1", "dst_port": 445, "sessions_cnt": 1, "event_ts": end, "window_label": "w_15m", "mm": "15"})
	if n, m := len(result.Tables[PairCounts]), len(result.Tables[PairContext]); n != 5 || m != 7 {
		t.Errorf("%d pair_counts and %d pair_context rows, want 5 and 7", n, m) // port 0 is in neither
	}
	if n := len(result.Tables[Lookback]); n != 0 {
		t.Errorf("%d lookback30d rows of a day that has not closed", n)
	}
}

func TestLookbackBounds(t *testing.T) {
	row := func(ts, peer string) string {
		return at(t, ts) + "\t10.0.0.1\t5000\t" + peer + "\t443\ttcp\t-\tSF\t1\t1\n"
	}
	result := run(t, DefaultOptions(), "zeek-tsv", zeekHeader+row("2023-01-01 12:00:00", "8.8.8.8")+
		row("2023-01-31 12:00:00", "8.8.8.8")+row("2023-03-03 12:00:00", "8.8.8.8"))
	end := func(day string) time.Time {
		d, _ := time.Parse(time.DateOnly, day)
		return d.Add(12*time.Hour + 15*time.Minute)
	}
	at := func(day string) Row {
		return find(t, result, FGA, Row{"host_ip": "10.0.0.1", "window_label": "w_15m", "window_end_ts": end(day)})
	}
	check(t, at("2023-01-31"), Row{"new_peer_cnt_lookback30d": 0, "rare_peer_cnt_lookback30d": 1, "lookback_days": 30})
	check(t, at("2023-03-03"), Row{"new_peer_cnt_lookback30d": 1, "rare_peer_cnt_lookback30d": 0, "lookback_days": 30})
	if n := len(result.Tables[Lookback]); n != 2 {
		t.Errorf("%d lookback30d rows, want 2", n)
	}
	day := find(t, result, Lookback, Row{"host_ip": "10.0.0.1", "dt": "2023-01-31"})
	check(t, day, Row{"role": "outbound", "peer_ip": "8.8.8.8", "peer_port": 443, "sessions_cnt": 1,
		"first_seen_ts": end("2023-01-31").Add(-15 * time.Minute), "last_seen_ts": end("2023-01-31"),
		"record_id": "10.0.0.1|outbound|8.8.8.8|443|2023-01-31", "mini_batch_id": "20230131T2345Z-r0"})
	// Each of the first two slices with a flow is followed by 96 closes, then the run jumps.
	if n := len(result.Closed); n != 2*97+1 {
		t.Errorf("%d closes, want %d", n, 2*97+1)
	}
}

func TestTimeContext(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		end      string
		zone     *time.Location
		hour     int
		two, six string
		weekend  int
	}{
		{"2023-01-02 06:45:00", time.UTC, 6, "off_hours", "WD_NIGHT", 0},
		{"2023-01-02 07:00:00", time.UTC, 7, "working_hours", "WD_WORKING", 0},
		{"2023-01-02 16:45:00", time.UTC, 16, "working_hours", "WD_WORKING", 0},
		{"2023-01-02 17:00:00", time.UTC, 17, "off_hours", "WD_OFF", 0},
		{"2023-01-07 22:00:00", time.UTC, 22, "off_hours", "WE_NIGHT", 1},
		{"2023-01-09 03:00:00", newYork, 22, "off_hours", "WE_NIGHT", 1},
		{"2023-01-08 21:00:00", newYork, 16, "working_hours", "WE_WORKING", 1},
	} {
		end, _ := time.Parse("2006-01-02 15:04:05", c.end)
		o := DefaultOptions()
		o.Calendar = c.zone
		row := Row{}
		o.timeContext(end, row)
		check(t, row, Row{"hour_of_day": c.hour, "time_band": c.two, "is_weekend": c.weekend})
		o.SixBands = true
		o.timeContext(end, row)
		check(t, row, Row{"time_band": c.six})
	}
}

func TestSegmentsAndHighRisk(t *testing.T) {
	o := DefaultOptions()
	o.Segments = []Segment{{mustPrefix("10.0.0.0/8"), "corp"}, {mustPrefix("10.0.0.0/30"), "servers"}}
	o.HighRiskDeny, o.HighRiskAllow = []string{"servers", "8.8.0.0/16"}, []string{"8.8.8.0/24"}
	result := run(t, o, "zeek-tsv", handExample(t))
	end := time.Date(2023, 1, 2, 0, 15, 0, 0, time.UTC)
	check(t, find(t, result, FGA, Row{"host_ip": "10.0.0.1", "window_label": "w_15m", "window_end_ts": end}), Row{
		"segment_id": "servers", "high_risk_segment_sessions_cnt": 2, "high_risk_segment_unique_dsts": 1,
		"has_high_risk_segment_interaction": 1})
	for address, want := range map[string]string{"10.9.9.9": "corp", "10.0.0.3": "servers", "8.8.8.8": "8.8.8.0/24",
		"fd00:1:2:3:4::5": "fd00:1:2:3::/64"} {
		if got := o.segment(mustAddr(address)); got != want {
			t.Errorf("segment of %s = %s, want %s", address, got, want)
		}
	}
}
