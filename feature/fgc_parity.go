package feature

import "fmt"

// CheckSegmentParity compares the schemas of fg_b/host and fg_b/segment: but for the keys and the columns that tell
// whose row it is, a segment must say the same as a host, or FG-C would compare a cold host with less. The error is
// a *SchemaError of the segment table.
func CheckSegmentParity(host, segment Schema) error {
	want, got := statistics(host), statistics(segment)
	for i := range max(len(want), len(got)) {
		fault := &SchemaError{Dataset: segment.Dataset, Expected: "no column", Found: "no column"}
		if i < len(want) {
			fault.Column, fault.Expected = want[i].Name, want[i].describe()+" as in "+host.Dataset
		}
		if i < len(got) {
			if i < len(want) && got[i] == want[i] {
				continue
			}
			fault.Found = got[i].Name + " " + got[i].describe()
			if fault.Column == "" {
				fault.Column = got[i].Name
			}
		}
		return fault
	}
	if len(want) == 0 {
		return fmt.Errorf("compare %s with %s: neither has a statistic", host.Dataset, segment.Dataset)
	}
	return nil
}

// statistics are the columns of a baseline that do not tell whose it is.
func statistics(s Schema) (columns []SchemaColumn) {
	for _, c := range s.Columns {
		if !c.Key && c.Name != "record_id" {
			columns = append(columns, c)
		}
	}
	return columns
}
