package flow

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAppendCanonicalJSON(t *testing.T) {
	addr := func(s string) Addr { a, _ := ParseAddr([]byte(s)); return a }
	r := Record{
		Start: -1, End: 1700000000000000001, TimesKnown: true, Observed: 0, ObservedKnown: true, TimeRes: ResWindow,
		SourceIP: addr("10.0.0.1"), DestinationIP: addr("2001:DB8::1"), SourcePort: 65535, DestPort: 1, Orientation: Reversed,
		Transport: ICMP, IPProto: 58, SourceBytes: Count{0, true}, DestBytes: Count{1 << 62, true}, BytesTotal: Count{3, true},
		SourcePackets: Count{4, true}, DestPackets: Count{5, true}, Kind: InterimCumulative, Outcome: Failed, Action: Reset,
		Name: Threat, DirectionHint: HintLateral, Scaled: true, SamplingRate: 6, RepeatCount: 7, TCPFlagsSource: 8,
		TCPFlagsDest: 9, ICMPKnown: true, Reason: []byte("a"), ReasonRaw: []byte("\"\\\x01\t\n\x7f"), Category: []byte("ü\xff"),
		ThreatName: []byte("n"), ThreatSeverity: []byte("s"), ThreatDirection: []byte("d"), Rule: []byte("r"),
		SourceZone: []byte("sz"), DestZone: []byte("dz"), SourceIf: []byte("si"), DestIf: []byte("di"), NATSource: []byte("ns"),
		NATDest: []byte("nd"), App: []byte("app"), User: []byte("u"), VLAN: []byte("v"), ObserverID: []byte("o"),
		ObserverType: []byte("ot"), SessionID: []byte("id"), DedupKey: []byte("k"), Tenant: []byte("t"),
	}
	want := map[string]any{
		"event_start": "1969-12-31T23:59:59.999999999Z", "event_end": "2023-11-14T22:13:20.000000001Z", "times_known": true,
		"event_observed": "1970-01-01T00:00:00Z", "time_res": "window", "source_ip": "10.0.0.1", "source_port": "65535",
		"destination_ip": "2001:db8::1", "destination_port": "1", "orientation": "reversed", "network_transport": "ICMP",
		"ip_proto": "58", "source_bytes": "0", "destination_bytes": "4611686018427387904", "bytes_total": "3",
		"source_packets": "4", "destination_packets": "5", "record_kind": "interim_cumulative", "conn_outcome": "failed",
		"event_action": "reset", "event_reason": "a", "reason_raw": "\"\\\x01\t\n\x7f", "event_name": "THREAT",
		"cef_category": "ü\ufffd", "threat_name": "n", "threat_severity": "s", "threat_direction": "d", "rule": "r",
		"source_zone": "sz", "destination_zone": "dz", "source_if": "si", "destination_if": "di", "nat_src": "ns",
		"nat_dst": "nd", "app": "app", "user": "u", "vlan": "v", "tcp_flags_src": "8", "tcp_flags_dst": "9", "icmp_type": "0",
		"icmp_code": "0", "sampling_rate": "6", "scaled": true, "repeat_count": "7", "observer_id": "o", "observer_type": "ot",
		"session_id": "id", "dedup_key": "k", "tenant": "t", "direction_hint": "lateral",
	}
	compareJSON(t, "full", &r, want)
	compareJSON(t, "empty", &Record{}, map[string]any{
		"event_start": "1970-01-01T00:00:00Z", "event_end": "1970-01-01T00:00:00Z", "times_known": false, "time_res": "ns",
		"source_ip": "::", "source_port": "0", "destination_ip": "::", "destination_port": "0", "orientation": "known",
		"network_transport": "OTHER", "record_kind": "session", "conn_outcome": "unknown", "event_action": "unknown",
		"event_name": "TRAFFIC",
	})
}

// compareJSON reads the canonical JSON back with the standard library; numbers appear as their text.
func compareJSON(t *testing.T, name string, r *Record, want map[string]any) {
	t.Helper()
	text := AppendCanonicalJSON([]byte("x"), r)
	var numbers map[string]json.RawMessage
	var got map[string]any
	if err := json.Unmarshal(text[1:], &got); err != nil {
		t.Fatalf("%s: %v in %s", name, err, text)
	}
	if err := json.Unmarshal(text[1:], &numbers); err != nil {
		t.Fatal(err)
	}
	for k, v := range got {
		if _, ok := v.(float64); ok {
			got[k] = string(numbers[k])
		}
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("%s (-got +want):\n%s", name, d)
	}
}

func TestAppendCanonicalJSONAllocs(t *testing.T) {
	r := Record{App: []byte("dns"), Start: 1700000000000000001}
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = AppendCanonicalJSON(buf[:0], &r) }); n != 0 {
		t.Errorf("%v allocations; want 0", n)
	}
}
