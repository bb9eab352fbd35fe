package state

import "ndr/feature"

// appendReject encodes a reject that waits for the close of its cut.
func appendReject(dst []byte, r *feature.Reject) []byte {
	dst = appendInt(append(dst, valueVersion), r.Position)
	dst = appendInt(dst, int64(r.Item))
	dst = appendString(dst, r.Reason)
	dst = appendString(dst, r.Detail)
	return appendString(dst, r.Raw)
}

// decodeReject reads a reject whose Raw lies in b.
func decodeReject(b []byte, r *feature.Reject) error {
	d := decoder{b: b}
	d.version()
	*r = feature.Reject{Position: d.int(), Item: int(d.int()), Reason: d.string(), Detail: d.string(), Raw: d.bytes()}
	return d.end("reject")
}

// appendBlob encodes the caller's bytes of a cut.
func appendBlob(dst, blob []byte) []byte { return append(append(dst, valueVersion), blob...) }

// decodeBlob returns the caller's bytes, which lie in b.
func decodeBlob(b []byte) ([]byte, error) {
	d := decoder{b: b}
	d.version()
	blob := d.b
	d.b = nil
	return blob, d.end("blob")
}
