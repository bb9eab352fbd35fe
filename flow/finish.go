package flow

// Have tells finish what the input held, because zero values of a Record cannot tell.
type Have struct {
	Source, Dest bool // address present and parsed
	Start, End   bool // time present and parsed; no duration in a Zeek row leaves both
	Bytes        bool // a byte counter of any direction, or the sum, even if negative and so null
	Ports        bool // a port of either side, ICMP type and code in its place included
}

// reject, filter and finish give an item its verdict. The order of the checks is the same in all decoders, so that
// a record with two faults has one reason everywhere:
//
//  1. unselected, nodata: filtered before fields are read, since they are no flows;
//  2. malformed: cell counts, cut JSON, unreadable numbers, times and ports, in the order of the input;
//  3. start: filtered, whatever else is missing in the record, since it would never count;
//  4. missing_address, missing_time, empty_record;
//  5. duplicate: filtered by a decoder after finish, since it looks at the addresses.

// reject makes the item unusable.
func (it *Item) reject(reason, detail string) {
	it.Verdict, it.Reason, it.Detail = Rejected, reason, detail
}

// filter takes the item out by rule.
func (it *Item) filter(reason string) {
	it.Verdict, it.Reason, it.Detail = Filtered, reason, ""
}

// begin starts a new item over raw.
func (it *Item) begin(raw []byte) {
	it.Verdict, it.Reason, it.Detail, it.Raw = Accepted, "", "", raw
	it.Record.Reset()
}

// finish is the last step of every decoder for a record that was read without fault: it completes the times and
// makes steps 3 and 4 above. A missing time equals the other one; an end before the start becomes the start.
func (it *Item) finish(have Have) {
	r := &it.Record
	if r.Kind == Start {
		it.filter(FilterStart)
		return
	}
	switch {
	case !have.Source:
		it.reject(ReasonMissingAddress, "source address is missing or unreadable")
		return
	case !have.Dest:
		it.reject(ReasonMissingAddress, "destination address is missing or unreadable")
		return
	case !have.Start && !have.End:
		it.reject(ReasonMissingTime, "neither start nor end")
		return
	case !have.Bytes && !have.Ports && r.Kind != Event:
		it.reject(ReasonEmptyRecord, "no byte counter and no port")
		return
	case !have.Start:
		r.Start = r.End
	case !have.End:
		r.End = r.Start
	}
	if r.End < r.Start {
		r.End = r.Start
	}
	r.TimesKnown = have.Start && have.End
}
