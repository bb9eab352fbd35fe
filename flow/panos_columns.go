package flow

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// panosColumn says which field of the record a column of a PAN-OS log holds.
type panosColumn struct {
	column int
	field  field
}

// Columns that are read by name, counted from 0.
const (
	panosSerial        = 2
	panosType          = 3
	panosSubtype       = 4
	panosTimeGenerated = 6
	panosNATSource     = 9
	panosNATDest       = 10
	panosVsys          = 15
	panosSession       = 22
	panosNATSourcePort = 26
	panosNATDestPort   = 27
	panosStart         = 35
	panosElapsed       = 36

	panosTrafficHighRes = 102
	panosThreatHighRes  = 107

	// panosMinColumns is what the oldest releases write; panosMaxColumns is where reading stops, whatever a
	// newer release appends.
	panosMinColumns = 47
	panosMaxColumns = panosThreatHighRes + 1
)

// panosCommonColumns are the same in TRAFFIC and THREAT logs.
var panosCommonColumns = [...]panosColumn{
	{panosSerial, fieldObserverID}, {panosSubtype, fieldSubtype},
	{7, fieldSourceIP}, {8, fieldDestIP}, {11, fieldRule}, {12, fieldUser}, {14, fieldApp},
	{16, fieldSourceZone}, {17, fieldDestZone}, {18, fieldSourceIf}, {19, fieldDestIf},
	{panosSession, fieldSessionID}, {23, fieldRepeatCount}, {24, fieldSourcePort}, {25, fieldDestPort},
	{29, fieldTransport}, {30, fieldAction},
}

var panosTrafficColumns = [...]panosColumn{
	{31, fieldBytesTotal}, {32, fieldSourceBytes}, {33, fieldDestBytes},
	{44, fieldSourcePackets}, {45, fieldDestPackets}, {46, fieldReason},
}

var panosThreatColumns = [...]panosColumn{
	{32, fieldThreatName}, {34, fieldThreatSeverity}, {35, fieldThreatDirection},
}

// csvCell is a cell of a line, as offsets. A quoted cell is without its quotes and may hold doubled ones.
type csvCell struct {
	start, end int32
	doubled    bool
}

// splitCSV cuts a line at its commas into cells and returns how many there are; cells beyond the array are left
// unread. A cell in quotes or in braces may hold commas. It reports the offset of a quote that is not closed.
func splitCSV(line []byte, cells []csvCell) (n, unclosed int) {
	if bytes.IndexByte(line, '"') < 0 && bytes.IndexByte(line, '{') < 0 {
		return splitPlain(line, cells), -1
	}
	i := 0
	for n < len(cells) {
		start := i
		if i < len(line) && (line[i] == '"' || line[i] == '{') {
			cell, end, ok := csvWrapped(line, i)
			if !ok && line[i] == '"' {
				return n, start
			}
			if ok {
				cells[n] = cell
				if n, i = n+1, end+1; end == len(line) {
					return n, -1
				}
				continue
			}
		}
		for i < len(line) && line[i] != ',' {
			i++
		}
		cells[n] = csvCell{int32(start), int32(i), false}
		n++
		if i == len(line) {
			return n, -1
		}
		i++
	}
	return n, -1
}

// splitPlain is splitCSV for a line without quotes and braces. It looks for commas in eight bytes together.
func splitPlain(line []byte, cells []csvCell) (n int) {
	const lows = 0x7f * jsonOnes
	start, i := 0, 0
	for ; i+8 <= len(line); i += 8 {
		w := binary.LittleEndian.Uint64(line[i:]) ^ ','*jsonOnes
		// The high bit of each byte that is 0, exactly: the sum cannot carry into the next byte.
		for commas := ^((w&lows + lows) | w | lows); commas != 0; commas &= commas - 1 {
			end := i + bits.TrailingZeros64(commas)>>3
			if n == len(cells) {
				return n
			}
			cells[n] = csvCell{int32(start), int32(end), false}
			n, start = n+1, end+1
		}
	}
	for ; i <= len(line) && n < len(cells); i++ {
		if i == len(line) || line[i] == ',' {
			cells[n] = csvCell{int32(start), int32(i), false}
			n, start = n+1, i+1
		}
	}
	return n
}

// csvWrapped reads a cell that begins with a quote or a brace and returns the index of the comma after it, or of
// the end. It reports false if the closing one is not followed by either.
func csvWrapped(line []byte, i int) (cell csvCell, end int, ok bool) {
	if line[i] == '{' {
		for end = i + 1; end < len(line); end++ {
			if line[end] == '}' && (end+1 == len(line) || line[end+1] == ',') {
				return csvCell{int32(i), int32(end + 1), false}, end + 1, true
			}
		}
		return cell, end, false
	}
	cell.start = int32(i + 1)
	for end = i + 1; end < len(line); end++ {
		if line[end] != '"' {
			continue
		}
		switch {
		case end+1 == len(line) || line[end+1] == ',':
			cell.end = int32(end)
			return cell, end + 1, true
		case line[end+1] == '"':
			cell.doubled = true
			end++
		}
	}
	return cell, end, false
}
