package flow

import (
	"bytes"
	"encoding/base64"
	"fmt"
)

// maxPeels is how many layers of compression and base64 one record may have. Two occur: base64 of gzip, and a
// gzip within a message that was compressed once more on its way.
const maxPeels = 3

// envelope takes transport records out of what they travel in. It belongs to one goroutine; its results are valid
// until the next call of the same method.
type envelope struct {
	limits   Limits
	layers   [maxPeels]*Decompressor // one for each, since the inner layer is read while the outer one is held
	base64   []byte
	scan     jsonScanner
	messages [][]byte
	inner    *envelope // of what an awslogs object carries, while the object itself stays readable
}

// peel drops a byte order mark, gzip, zstd and base64 of gzip, in any order. Errors are *UndecodableError.
func (e *envelope) peel(record []byte) ([]byte, error) {
	if len(record) > e.limits.MaxInput {
		return nil, tooLarge("record has %d bytes, limit %d", len(record), e.limits.MaxInput)
	}
	for layer := 0; ; {
		record = bytes.TrimPrefix(record, []byte("\xef\xbb\xbf"))
		packed := compressionOf(record) != plain
		switch {
		case bytes.HasPrefix(record, []byte("H4sI")): // the bytes 1f 8b 08 in base64
			text, err := e.unbase64(record)
			if err != nil {
				return nil, err
			}
			record, packed = text, true
		case !packed:
			return record, nil
		}
		if layer == maxPeels {
			return nil, &UndecodableError{ReasonMalformed, "compressed more than 3 times"}
		}
		if e.layers[layer] == nil {
			// What an outer layer may unpack to is what an inner one may read.
			e.layers[layer] = NewDecompressor(Limits{MaxInput: e.limits.MaxOutput, MaxOutput: e.limits.MaxOutput})
		}
		content, err := e.layers[layer].Open(record)
		if err != nil {
			return nil, err
		}
		record, layer = content, layer+1
	}
}

func (e *envelope) unbase64(b []byte) ([]byte, error) {
	b = bytes.TrimSpace(b)
	if need := base64.StdEncoding.DecodedLen(len(b)); cap(e.base64) < need {
		e.base64 = make([]byte, need)
	}
	n, err := base64.StdEncoding.Decode(e.base64[:cap(e.base64)], b)
	if err != nil {
		return nil, &UndecodableError{ReasonMalformed, fmt.Sprintf("base64 of gzip: %v", err)}
	}
	return e.base64[:n], nil
}

// open returns the log messages of a JSON envelope: those of a CloudWatch subscription
// ({"messageType":"DATA_MESSAGE","logEvents":[{"message":...}]}, also inside {"awslogs":{"data":base64 of gzip}}),
// or the one of a shipper ({"message":"..."}). control is true for a CloudWatch CONTROL_MESSAGE, which carries
// none. An object that is no envelope gives an error, as does broken JSON; they are *UndecodableError.
func (e *envelope) open(object []byte) (messages [][]byte, control bool, err error) {
	e.messages = e.messages[:0]
	f, err := e.fields(object)
	if err != nil {
		return nil, false, &UndecodableError{ReasonMalformed, err.Error()}
	}
	switch {
	case f.data.kind == jsonString:
		return e.openData(e.scan.text(f.data))
	case string(f.messageType.raw) == "CONTROL_MESSAGE":
		return nil, true, nil
	case f.logEvents.kind == jsonArray:
		err = e.events(f.logEvents)
		return e.messages, false, err
	case f.message.kind == jsonString:
		return append(e.messages, e.scan.text(f.message)), false, nil
	}
	return nil, false, &UndecodableError{ReasonMalformed, "JSON object is no log envelope: it has neither logEvents nor a message"}
}

// openData opens the envelope that an awslogs object carries.
func (e *envelope) openData(data []byte) (messages [][]byte, control bool, err error) {
	if e.inner == nil {
		e.inner = &envelope{limits: e.limits}
	}
	object, err := e.inner.peel(data)
	if err != nil {
		return nil, false, err
	}
	if bytes.Contains(object, []byte(`"awslogs"`)) {
		return nil, false, &UndecodableError{ReasonMalformed, "awslogs inside of awslogs"}
	}
	return e.inner.open(object)
}

// envelopeFields are the members of an object that make it an envelope.
type envelopeFields struct{ messageType, logEvents, message, data jsonValue }

func (e *envelope) fields(object []byte) (f envelopeFields, err error) {
	if err := e.scan.open(object); err != nil {
		return f, err
	}
	for {
		key, v, ok, err := e.scan.next()
		if err != nil || !ok {
			return f, err
		}
		switch string(key) {
		case "messageType":
			f.messageType = v
		case "logEvents":
			f.logEvents = v
		case "message":
			f.message = v
		case "awslogs":
			f.data = e.scan.lookup(v, "data")
		}
	}
}

// events collects the messages of a CloudWatch logEvents array, which the scanner has found sound.
func (e *envelope) events(array jsonValue) error {
	at := e.scan.enter(array)
	defer e.scan.leave(at)
	for n := 0; ; n++ {
		v, ok, err := e.scan.element()
		if err != nil || !ok {
			return err
		}
		message := e.scan.lookup(v, "message")
		if message.kind != jsonString {
			return &UndecodableError{ReasonMalformed, fmt.Sprintf("logEvents[%d] has no message", n)}
		}
		e.messages = append(e.messages, e.scan.text(message))
	}
}
