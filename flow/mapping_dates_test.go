package flow

import (
	"fmt"
	"testing"
	"time"
)

// The memo must agree with ParseTime on every text, whatever it has seen before.
func TestDateMemoAgreesWithParseTime(t *testing.T) {
	var texts []string
	for _, date := range []string{"2024-03-05", "2024-02-29", "2023-02-29", "1970-01-01", "1969-12-31", "2262-04-11", "9999-12-31", "1600-01-01", "2024/03/05", "20240305  ", "2024-13-01"} {
		for _, clock := range []string{"T00:00:00", "T23:59:59", "T23:59:60", "T24:00:00", "T12:60:00", "T1a:00:00", "T12:34-56", "T12:3::56", " 10:11:12", "T::::::::"} {
			for _, zone := range []string{"Z", ".5Z", ".123456789123Z", ".Z", ".5x5Z", "", "+01:00", ".25+0100", "ZZ"} {
				texts = append(texts, date+clock+zone)
			}
		}
	}
	texts = append(texts, "1709633702", "1709633702123", "", "Z", "T", "2024-03-05T10:11:12Z\x00")
	zone := time.FixedZone("CET", 3600)
	var m dateMemo
	for i, text := range texts {
		for _, s := range []string{text, texts[(i*31+7)%len(texts)], text} {
			got, gotOK := m.parse([]byte(s), zone)
			want, wantOK := ParseTime([]byte(s), zone)
			if fmt.Sprint(got, gotOK) != fmt.Sprint(want, wantOK) && (gotOK || wantOK) {
				t.Fatalf("%q: got %d, %v, ParseTime says %d, %v", s, got, gotOK, want, wantOK)
			}
		}
	}
}

func FuzzDateMemo(f *testing.F) {
	f.Add([]byte("2024-03-05T10:11:12Z"), []byte("2024-03-05T10:11:12.5Z"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var m dateMemo
		for _, s := range [][]byte{first, second, first} {
			got, gotOK := m.parse(s, time.UTC)
			want, wantOK := ParseTime(s, time.UTC)
			if gotOK != wantOK || gotOK && got != want {
				t.Fatalf("%q: got %d, %v, ParseTime says %d, %v", s, got, gotOK, want, wantOK)
			}
		}
	})
}
