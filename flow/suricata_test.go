package flow

import (
	"fmt"
	"strings"
	"testing"
)

func TestSuricataFlow(t *testing.T) {
	d := newDecoder(t, Config{Format: FormatSuricataEVE})
	for _, c := range []struct {
		name, state, reason, action, toServer, toClient, tcpState string

		outcome Outcome
		verdict Action
		why     string
	}{
		{"closed by FIN", "closed", "timeout", "", "1b", "1b", "closed", Established, Allow, "tcp-fin"},
		{"TCP state closed", "established", "timeout", "", "1b", "1a", "closed", Established, Allow, "tcp-fin"},
		{"server RST wins", "closed", "timeout", "", "1f", "1f", "closed", Established, Allow, "tcp-rst-from-server"},
		{"client RST", "closed", "timeout", "", "1e", "1a", "closed", Established, Allow, "tcp-rst-from-client"},
		{"refused", "closed", "timeout", "", "02", "14", "closed", Failed, Allow, "tcp-rst-from-server"},
		{"new", "new", "timeout", "", "02", "00", "syn_sent", Failed, ActionUnknown, "no-reply"},
		{"new at shutdown", "new", "shutdown", "", "02", "00", "syn_sent", Failed, ActionUnknown, "no-reply"},
		{"new, passed", "new", "timeout", "pass", "02", "00", "syn_sent", Failed, Allow, "no-reply"},
		{"new, dropped", "new", "timeout", "drop", "02", "00", "syn_sent", Failed, Deny, "no-reply"},
		{"idle", "established", "timeout", "", "1a", "1a", "established", Established, Allow, "aged-out"},
		{"forced", "established", "forced", "accept", "1a", "1a", "established", Established, Allow, "window-end"},
		{"shutdown", "bypassed", "shutdown", "", "1a", "1a", "established", Established, Allow, "window-end"},
		{"FIN, not closed", "established", "timeout", "", "1b", "1a", "fin_wait1", Established, Allow, "aged-out"},
		{"no state", "", "timeout", "", "", "", "", OutcomeUnknown, ActionUnknown, "aged-out"},
	} {
		text := fmt.Sprintf(`{"event_type":"flow","src_ip":"10.0.0.1","src_port":1,"dest_ip":"10.0.0.2","dest_port":2,`+
			`"proto":"TCP","flow":{"start":"2024-01-01T00:00:00Z","state":%q,"reason":%q,"action":%q},`+
			`"tcp":{"tcp_flags_ts":%q,"tcp_flags_tc":%q,"state":%q}}`, c.state, c.reason, c.action, c.toServer, c.toClient, c.tcpState)
		r := lastRecord(t, d, text)
		if r.Outcome != c.outcome || r.Action != c.verdict || string(r.Reason) != c.why {
			t.Errorf("%s: %d %d %q; want %d %d %q", c.name, r.Outcome, r.Action, r.Reason, c.outcome, c.verdict, c.why)
		}
	}
}

func TestSuricataAlert(t *testing.T) {
	d := newDecoder(t, Config{Format: FormatSuricataEVE})
	for _, c := range []struct {
		extra       string
		action      Action
		reason      string
		source      string
		orientation Orientation
	}{
		{`"alert":{"action":"allowed"}`, Alert, "", "10.0.0.1", Guessed},
		{`"alert":{"action":"blocked"},"direction":"to_server"`, Deny, "threat", "10.0.0.1", Known},
		{`"alert":{"action":"allowed"},"verdict":{"action":"drop"},"direction":"to_client"`, Deny, "threat", "10.0.0.2", Known},
		{`"alert":{"action":"allowed"},"flow":{"src_ip":"10.0.0.3","dest_ip":"10.0.0.4","src_port":5,"dest_port":6}`, Alert, "", "10.0.0.3", Known},
	} {
		text := `{"event_type":"alert","timestamp":"2024-01-01T02:00:00.5+0200","src_ip":"10.0.0.1","src_port":1,"dest_ip":"10.0.0.2","dest_port":2,"proto":"TCP",` + c.extra + "}"
		r := lastRecord(t, d, text)
		if r.Action != c.action || string(r.Reason) != c.reason || r.SourceIP.String() != c.source || r.Orientation != c.orientation {
			t.Errorf("%s: %s", c.extra, AppendCanonicalJSON(nil, &r))
		}
		if r.Kind != Event || r.Name != Threat || r.Start != 1704067200500000000 || r.End != r.Start || r.SourceBytes.Known {
			t.Errorf("%s: %s", c.extra, AppendCanonicalJSON(nil, &r))
		}
	}
}

func TestSuricataFaults(t *testing.T) {
	const flow = `{"event_type":"flow","src_ip":"10.0.0.1","src_port":1,"dest_ip":"10.0.0.2","dest_port":2,"proto":"TCP","flow":{"start":"2024-01-01T00:00:00Z","bytes_toserver":1}}`
	swap := strings.NewReplacer
	for name, c := range map[string]struct{ in, want string }{
		"sound":        {flow, "+"},
		"bad time":     {swap("2024-01-01", "2024-01-99").Replace(flow), ReasonMalformed},
		"bad count":    {swap(`toserver":1`, `toserver":1.5`).Replace(flow), ReasonMalformed},
		"null count":   {swap(`toserver":1`, `toserver":null`).Replace(flow), "+"},
		"bad protocol": {swap(`"TCP"`, `"999"`).Replace(flow), ReasonMalformed},
		"bad address":  {swap("10.0.0.2", "host").Replace(flow), ReasonMissingAddress},
		"alert, no time": {`{"event_type":"alert","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"TCP","alert":{}}`,
			ReasonMissingTime},
		"stats":            {`{"event_type":"stats","stats":{}}`, FilterUnselected},
		"icmp, bad type":   {`{"event_type":"flow","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"ICMP","icmp_type":256,"flow":{"start":"2024-01-01T00:00:00Z"}}`, ReasonMalformed},
		"icmp, no bytes":   {`{"event_type":"flow","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"ICMP","icmp_type":8,"flow":{"start":"2024-01-01T00:00:00Z"}}`, "+"},
		"firewall wrapper": {`{"firewall_name":"f","event":` + flow + `}`, "+"},
		"in cloudwatch":    {cloudWatch(`{"firewall_name":"f","event":`+flow+`}`, flow), "+ +"},
	} {
		if got := summary(newDecoder(t, Config{Format: FormatSuricataEVE}), []byte(c.in)); got != c.want {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
	}
}
