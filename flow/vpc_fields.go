package flow

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// vpcField is a field of a VPC flow log that the record needs.
type vpcField uint8

const (
	vpcSkip vpcField = iota
	vpcAccount
	vpcInterface
	vpcSource
	vpcDest
	vpcSourcePort
	vpcDestPort
	vpcProtocol
	vpcPackets
	vpcBytes
	vpcStart
	vpcEnd
	vpcAction
	vpcLogStatus
	vpcTCPFlags
	vpcPacketSource
	vpcPacketDest
	vpcDirection
	vpcRejectReason
	vpcFieldCount
)

// vpcVersion2 is the order of the fields of version 2, AWS's default format.
const vpcVersion2 = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"

// vpcOtherFields are the fields of versions 2 to 11 and of Transit Gateway logs that are read over.
const vpcOtherFields = " version vpc-id subnet-id instance-id type region az-id sublocation-type sublocation-id " +
	"pkt-src-aws-service pkt-dst-aws-service traffic-path ecs-cluster-arn ecs-cluster-name " +
	"ecs-container-instance-arn ecs-container-instance-id ecs-container-id ecs-second-container-id " +
	"ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id resource-id encryption-status " +
	"instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type " +
	"resource-type tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id " +
	"tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id " +
	"tgw-pair-attachment-id packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded " +
	"packets-lost-ttl-expired "

// vpcFieldOf names a field in AWS's spelling.
func vpcFieldOf(name string) vpcField {
	switch name {
	case "account-id":
		return vpcAccount
	case "interface-id":
		return vpcInterface
	case "srcaddr":
		return vpcSource
	case "dstaddr":
		return vpcDest
	case "srcport":
		return vpcSourcePort
	case "dstport":
		return vpcDestPort
	case "protocol":
		return vpcProtocol
	case "packets":
		return vpcPackets
	case "bytes":
		return vpcBytes
	case "start":
		return vpcStart
	case "end":
		return vpcEnd
	case "action":
		return vpcAction
	case "log-status":
		return vpcLogStatus
	case "tcp-flags":
		return vpcTCPFlags
	case "pkt-srcaddr":
		return vpcPacketSource
	case "pkt-dstaddr":
		return vpcPacketDest
	case "flow-direction":
		return vpcDirection
	case "reject-reason":
		return vpcRejectReason
	}
	return vpcSkip
}

// vpcKnown reports whether AWS has a field of the name.
func vpcKnown(name string) bool {
	return vpcFieldOf(name) != vpcSkip || name != "" && strings.Contains(vpcOtherFields, " "+name+" ")
}

// vpcLayout is the order of the cells in a row.
type vpcLayout struct {
	comma  bool       // cells are separated by commas (Athena, shippers) and not by spaces
	fields []vpcField // by cell
	names  []string
}

// newVPCLayout checks an order of fields. Underscores in names count as hyphens. "-" skips a cell; in a header line
// (header is true) any name that is not known does, since AWS adds fields.
func newVPCLayout(names []string, header bool) (vpcLayout, error) {
	var l vpcLayout
	var seen [vpcFieldCount]bool
	for _, name := range names {
		name = strings.ReplaceAll(name, "_", "-")
		f := vpcFieldOf(name)
		switch {
		case f != vpcSkip && seen[f]:
			return l, fmt.Errorf("vpc fields: %s occurs twice", name)
		case !header && name != "-" && !vpcKnown(name):
			return l, fmt.Errorf("vpc fields: unknown field %q (- skips a column)", name)
		}
		seen[f] = true
		l.fields, l.names = append(l.fields, f), append(l.names, name)
	}
	switch {
	case !seen[vpcSource] && !seen[vpcPacketSource] || !seen[vpcDest] && !seen[vpcPacketDest]:
		return l, fmt.Errorf("vpc fields: no source or no destination address in %q", strings.Join(names, " "))
	case !seen[vpcStart] && !seen[vpcEnd]:
		return l, fmt.Errorf("vpc fields: neither start nor end in %q", strings.Join(names, " "))
	}
	return l, nil
}

// parseVPCHeader reads a header line. It reports false for a row: no row begins with the name of a field. The checks
// in front keep rows free of allocations.
func parseVPCHeader(line []byte) (l vpcLayout, ok bool, err error) {
	if c := line[0]; c < 'a' || c > 'z' || !bytes.Contains(line, []byte("srcaddr")) {
		return l, false, nil
	}
	first, comma := line, false
	if i := bytes.IndexAny(line, " ,"); i >= 0 {
		first, comma = line[:i], line[i] == ','
	}
	if !vpcKnown(strings.ReplaceAll(string(first), "_", "-")) {
		return l, false, nil
	}
	separator := " "
	if comma {
		separator = ","
	}
	names := strings.Split(strings.TrimRight(string(line), " "), separator)
	if len(names) > maxColumns {
		return l, true, fmt.Errorf("header has %d fields, limit %d", len(names), maxColumns)
	}
	l, err = newVPCLayout(names, true)
	l.comma = comma
	return l, true, err
}

// text is the header line of the layout.
func (l *vpcLayout) text() []byte {
	separator := " "
	if l.comma {
		separator = ","
	}
	return []byte(strings.Join(l.names, separator))
}

// index returns the cell of a field, -1 if the rows have none.
func (l *vpcLayout) index(f vpcField) int { return slices.Index(l.fields, f) }
