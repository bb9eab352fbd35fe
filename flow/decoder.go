package flow

import "fmt"

// Outcome of decoding one item: what becomes of it before aggregation looks at it.
type Verdict uint8

const (
	Accepted Verdict = iota // Item.Record is a flow
	Rejected                // unusable, kept in the rejects with Reason and Detail
	Filtered                // no flow by rule, counted by Reason
)

// Reasons of rejection and filtering (features.md section 1). Late, future and past are judged by ingest, as is
// External.
const (
	ReasonMalformed      = "malformed"
	ReasonMissingAddress = "missing_address"
	ReasonMissingTime    = "missing_time"
	ReasonEmptyRecord    = "empty_record"
	ReasonFutureTime     = "future_time"
	ReasonPastTime       = "past_time"
	ReasonTooLarge       = "too_large"

	FilterExternal   = "external"
	FilterStart      = "start"
	FilterNoData     = "nodata"
	FilterDuplicate  = "duplicate"
	FilterUnselected = "unselected"
)

// Item is one unit of a transport record: a log line of a CloudWatch envelope, or the record itself. It is valid
// during the call that hands it over.
type Item struct {
	Verdict Verdict
	Record  Record
	Reason  string // one of the constants above, with Rejected and Filtered
	Detail  string // human words with the place: column, field, offset; with Rejected
	Raw     []byte // the item's bytes
}

// Decoder turns transport records into items. It belongs to one goroutine.
type Decoder interface {
	// Decode calls emit for every item of one transport record, in order, and returns nil; or, when the record
	// cannot be opened at all (broken gzip, over a limit, an envelope that is no JSON), an *UndecodableError
	// without having emitted anything.
	Decode(raw []byte, emit func(*Item)) error
	// State returns what later records depend on (the header of a TSV file), nil if nothing; Restore sets it.
	// It travels in the cut, so that the next owner of a partition decodes alike.
	State() []byte
	Restore(state []byte) error
}

// UndecodableError tells why a whole record could not be opened.
type UndecodableError struct {
	Reason string // ReasonMalformed or ReasonTooLarge
	Detail string
}

func (e *UndecodableError) Error() string {
	return fmt.Sprintf("decode record: %s: %s", e.Reason, e.Detail)
}
