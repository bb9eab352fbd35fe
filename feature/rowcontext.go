package feature

import "strconv"

// rowContext is what the rows of one close have in common.
type rowContext struct {
	frame                *frame
	specVersion, batchID string
	time                 TimeContext
	writers              []*tableWriter // of all tables that are wanted
}

// writer makes the writer of a table.
func (o *rowContext) writer(t *Table, sink RowSink) *tableWriter {
	w := newTableWriter(t, sink, o.specVersion, o.batchID)
	o.writers = append(o.writers, w)
	return w
}

// recordID joins the parts of a key by "|", reusing dst.
func recordID(dst []byte, parts ...string) []byte {
	dst = dst[:0]
	for i, p := range parts {
		if i > 0 {
			dst = append(dst, '|')
		}
		dst = append(dst, p...)
	}
	return dst
}

// portText is the text of a port.
func portText(port uint16) string { return strconv.Itoa(int(port)) }

// peerName is the text of the open role's current peer, made once for all of its ports.
func (h *hostState) peerName() string {
	if h.peerText == "" {
		h.peerText = h.peer.String()
	}
	return h.peerText
}
