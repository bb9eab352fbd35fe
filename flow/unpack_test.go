package flow

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const vpcRowText = "2 1 eni-1 10.0.0.5 10.0.1.9 40000 443 6 10 2000 1700000000 1700000055 ACCEPT OK"

// summary is the verdicts of the items of a record in short: + accepted, or the reason.
func summary(d Decoder, record []byte) string {
	var parts []string
	err := d.Decode(record, func(it *Item) {
		if it.Verdict == Accepted {
			parts = append(parts, "+")
		} else {
			parts = append(parts, it.Reason)
		}
	})
	var u *UndecodableError
	switch {
	case errors.As(err, &u):
		parts = append(parts, "undecodable "+u.Reason)
	case err != nil:
		parts = append(parts, err.Error())
	}
	return strings.Join(parts, " ")
}

func cloudWatch(messages ...string) string {
	var events []string
	for i, m := range messages {
		events = append(events, fmt.Sprintf(`{"id":"%d","timestamp":1700000000000,"message":%q}`, i, m))
	}
	return `{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[` +
		strings.Join(events, ",") + `]}`
}

func TestEnvelopes(t *testing.T) {
	b64 := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
	envelope := cloudWatch(vpcRowText, vpcRowText)
	control := `{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE: Checking health"}]}`
	deep := gzipOf(t, string(gzipOf(t, string(gzipOf(t, string(gzipOf(t, vpcRowText)))))))
	for name, c := range map[string]struct{ in, want string }{
		"bare":                   {vpcRowText, "+"},
		"line end":               {vpcRowText + "\r\n", "+"},
		"two lines":              {vpcRowText + "\n\n" + vpcRowText + "\n", "+ +"},
		"byte order mark":        {"\xef\xbb\xbf" + vpcRowText, "+"},
		"gzip":                   {string(gzipOf(t, vpcRowText+"\n"+vpcRowText)), "+ +"},
		"zstd":                   {string(zstdOf(t, vpcRowText)), "+"},
		"gzip and mark":          {string(gzipOf(t, "\xef\xbb\xbf"+vpcRowText)), "+"},
		"base64 of gzip":         {b64(gzipOf(t, vpcRowText)), "+"},
		"gzip in gzip":           {string(gzipOf(t, string(gzipOf(t, vpcRowText)))), "+"},
		"gzip four times":        {string(deep), "undecodable malformed"},
		"cloudwatch":             {envelope, "+ +"},
		"cloudwatch, gzip":       {string(gzipOf(t, envelope)), "+ +"},
		"cloudwatch, base64":     {b64(gzipOf(t, envelope)), "+ +"},
		"cloudwatch, awslogs":    {`{"awslogs":{"data":"` + b64(gzipOf(t, envelope)) + `"}}`, "+ +"},
		"awslogs in awslogs":     {`{"awslogs":{"data":"` + b64(gzipOf(t, `{"awslogs":{"data":"x"}}`)) + `"}}`, "undecodable malformed"},
		"cloudwatch, indented":   {strings.ReplaceAll(envelope, ",", ",\n  "), "+ +"},
		"cloudwatch, mixed":      {cloudWatch(vpcRowText, "2 3 4", "", "2 1 eni - - - - - - - 1 2 - NODATA"), "+ malformed unselected nodata"},
		"cloudwatch, no events":  {cloudWatch(), ""},
		"cloudwatch, control":    {control, "unselected"},
		"event without message":  {`{"messageType":"DATA_MESSAGE","logEvents":[{"message":"x"},{"id":"1"}]}`, "undecodable malformed"},
		"firehose":               {`{"message":"` + vpcRowText + `"}`, "+"},
		"firehose lines":         {`{"message":"` + vpcRowText + "\"}\n{\"message\":\"" + vpcRowText + `"}`, "+ +"},
		"firehose lines, broken": {`{"message":"` + vpcRowText + "\"}\n{\"message\":\"" + vpcRowText, "+ malformed"},
		"broken envelope":        {envelope[:len(envelope)-1], "undecodable malformed"},
		"other object":           {`{"a":1}`, "undecodable malformed"},
		"broken gzip":            {string(gzipOf(t, vpcRowText)[:30]), "undecodable malformed"},
		"broken base64":          {"H4sIAAAA*", "undecodable malformed"},
		"empty":                  {"", "unselected"},
		"blank":                  {" \r\n\n", "unselected"},
		"too large":              {strings.Repeat("x", 2001), "undecodable too_large"},
		"bomb":                   {string(gzipOf(t, strings.Repeat("x", 20001))), "undecodable too_large"},
	} {
		d := newDecoder(t, Config{Format: FormatVPCText, Limits: Limits{MaxInput: 2000, MaxOutput: 20000}})
		for range 2 {
			if got := summary(d, []byte(c.in)); got != c.want {
				t.Errorf("%s: %q; want %q", name, got, c.want)
			}
		}
	}
}

// TestEnvelopeRaw checks that an item of an envelope holds the bytes of its own message.
func TestEnvelopeRaw(t *testing.T) {
	var got []string
	d := newDecoder(t, Config{Format: FormatVPCText})
	err := d.Decode(gzipOf(t, cloudWatch("2 \"3\"\t4", vpcRowText)), func(it *Item) { got = append(got, string(it.Raw)) })
	if d := cmp.Diff(got, []string{"2 \"3\"\t4", vpcRowText}); d != "" || err != nil {
		t.Errorf("raw (-got +want):\n%s%v", d, err)
	}
}

// TestJSONRecords checks where one JSON record ends and the next begins.
func TestJSONRecords(t *testing.T) {
	const flow = `{"ts":1.5,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":2,"proto":"tcp"}`
	for name, c := range map[string]struct{ in, want string }{
		"one":               {flow, "+"},
		"leading space":     {" " + flow + " \n", "+"},
		"lines":             {flow + "\n" + flow + "\r\n" + flow, "+ + +"},
		"indented":          {strings.ReplaceAll(flow, ",", ",\n  "), "+"},
		"cut between":       {flow + "\n" + flow[:30] + "\n" + flow, "+ malformed +"},
		"cut":               {flow[:30], "malformed"},
		"two on a line":     {flow + flow, "malformed"},
		"array":             {"[" + flow + "]", "malformed"},
		"text":              {"Lorem ipsum", "malformed"},
		"null":              {"null", "malformed"},
		"cloudwatch":        {cloudWatch(flow, flow), "+ +"},
		"cloudwatch nested": {cloudWatch(cloudWatch(flow)), "missing_address"},
		"control":           {`{"messageType":"CONTROL_MESSAGE","logEvents":[]}`, "unselected"},
		"message":           {`{"message":` + fmt.Sprintf("%q", flow) + `,"host":"h"}`, "+"},
		"gzip lines":        {string(gzipOf(t, flow+"\n"+flow)), "+ +"},
	} {
		if got := summary(newDecoder(t, Config{Format: FormatZeekJSON}), []byte(c.in)); got != c.want {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
	}
}
