package flow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// panosRecord is a record of a parsing pipeline: 492 bytes, 24 keys, of which the features need 12.
const panosRecord = `{"event_start":"2024-03-05T10:15:02Z","event_end":"2024-03-05T10:15:32Z","source_ip":"10.20.30.41",` +
	`"source_port":51544,"destination_ip":"192.168.10.20","destination_port":443,"source_bytes":48213,` +
	`"destination_bytes":1923044,"network_transport":"tcp","event_action":"allow","event_reason":"tcp-fin",` +
	`"event_name":"TRAFFIC","rule":"web","app":"ssl","source_zone":"lan","user":"jdoe",` +
	`"session_id":"184467","vsys":"vsys1","log":"end","sent":40,"received":35,"fw":"PA-1","nat":false,"url":null}`

// stdlibFlow is what a program would write that leaves the decoding to encoding/json.
type stdlibFlow struct {
	Start     string `json:"event_start"`
	End       string `json:"event_end"`
	SourceIP  string `json:"source_ip"`
	SPort     uint16 `json:"source_port"`
	DestIP    string `json:"destination_ip"`
	DPort     uint16 `json:"destination_port"`
	SBytes    uint64 `json:"source_bytes"`
	DBytes    uint64 `json:"destination_bytes"`
	Transport string `json:"network_transport"`
	Action    string `json:"event_action"`
	Reason    string `json:"event_reason"`
	Name      string `json:"event_name"`
}

func decodeStdlib(raw []byte, r *Record) error {
	var f stdlibFlow
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	start, err := time.Parse(time.RFC3339Nano, f.Start)
	if err != nil {
		return err
	}
	end, err := time.Parse(time.RFC3339Nano, f.End)
	if err != nil {
		return err
	}
	if _, err = netip.ParseAddr(f.SourceIP); err != nil {
		return err
	}
	if _, err = netip.ParseAddr(f.DestIP); err != nil {
		return err
	}
	r.Start, r.End, r.SourceBytes = start.UnixNano(), end.UnixNano(), Count{f.SBytes, true}
	return nil
}

// panosRecords are records of one stream: the same keys, other values.
func panosRecords() (records [][]byte) {
	for i := range 64 {
		r := []byte(panosRecord)
		copy(r[bytes.Index(r, []byte("51544")):], strconv.Itoa(40000+i*317))
		copy(r[bytes.Index(r, []byte(":15:32Z")):], fmt.Sprintf(":%02d:%02dZ", 16+i%40, (i*7)%60))
		records = append(records, r)
	}
	return records
}

// cpuTime is the processor time of the process: on a shared machine the clock on the wall measures the neighbours.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPANOSJSON runs both decoders in turns and reports the processor time of each and their ratio.
func BenchmarkPANOSJSON(b *testing.B) {
	d, err := newPANOSJSON(Config{Timezone: time.UTC})
	if err != nil {
		b.Fatal(err)
	}
	records, emit := panosRecords(), func(*Item) {}
	var r Record
	var ours, stdlib time.Duration
	b.ReportAllocs()
	const round = 1 << 12
	rounds := 0
	for ; b.Loop(); rounds++ {
		t0 := cpuTime()
		for i := range round {
			if err := d.Decode(records[i&63], emit); err != nil || d.item.Verdict != Accepted {
				b.Fatal(err, d.item.Detail)
			}
		}
		t1 := cpuTime()
		for i := range round / 8 {
			if err := decodeStdlib(records[i&63], &r); err != nil {
				b.Fatal(err)
			}
		}
		ours, stdlib = ours+t1-t0, stdlib+8*(cpuTime()-t1)
	}
	n := float64(rounds * round)
	b.ReportMetric(float64(ours)/n, "ns/record")
	b.ReportMetric(float64(stdlib)/n, "ns/record-stdlib")
	b.ReportMetric(float64(stdlib)/float64(ours), "ratio")
}

func BenchmarkPANOSCSV(b *testing.B) {
	body, err := os.ReadFile("testdata/panos-csv/traffic.log")
	if err != nil {
		b.Fatal(err)
	}
	line, _, _ := bytes.Cut(body, []byte("\n"))
	d, emit := newPANOSCSV(Config{Timezone: time.UTC, Limits: Limits{}.withDefaults()}), func(*Item) {}
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if err := d.Decode(line, emit); err != nil || d.item.Verdict != Accepted {
			b.Fatal(err, d.item.Detail)
		}
	}
}

func BenchmarkOCSF(b *testing.B) {
	body, err := os.ReadFile("testdata/ocsf/records.log")
	if err != nil {
		b.Fatal(err)
	}
	line, _, _ := bytes.Cut(body, []byte("\n"))
	d := newDecoder(b, Config{Format: FormatOCSF})
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if err := d.Decode(line, func(*Item) {}); err != nil {
			b.Fatal(err)
		}
	}
}
