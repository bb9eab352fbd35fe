package stream

import (
	"cmp"
	"slices"

	"ndr/feature"
)

// hostOrder is a host row on its way into a section: the key beside the number, so that sorting reads no other memory.
type hostOrder struct {
	hostKey
	shard, number uint32
}

// orderHosts sorts the host rows by shard, slice, host and role.
func (t *rowTable) orderHosts(shards int) []hostOrder {
	order := make([]hostOrder, t.hosts.rows.n)
	for i := range order {
		k := t.hosts.rows.at(uint32(i)).key
		order[i] = hostOrder{k, uint32(feature.ShardOf(k.host, shards)), uint32(i)}
	}
	slices.SortFunc(order, func(a, b hostOrder) int {
		if a.shard != b.shard {
			return cmp.Compare(a.shard, b.shard)
		}
		return a.compare(&b.hostKey)
	})
	return order
}

func (k *hostKey) compare(o *hostKey) int {
	if k.slice != o.slice {
		return cmp.Compare(k.slice, o.slice)
	}
	if k.host != o.host {
		return k.host.Compare(o.host)
	}
	return cmp.Compare(k.role, o.role)
}

// pairOrder is a pair on its way into a section.
type pairOrder struct {
	peer   feature.Addr
	number uint32
	port   uint16
}

// orderPairs sorts the pairs by peer and port within their host rows: those of the i-th of hosts are order[ends[i-1] :
// ends[i]]. They are first dealt out to their hosts, so that only small groups have to be sorted.
func (t *rowTable) orderPairs(hosts []hostOrder) (order []pairOrder, ends []int) {
	place := make([]uint32, len(hosts)) // of each host row in hosts
	for i := range hosts {
		place[hosts[i].number] = uint32(i)
	}
	ends = make([]int, len(hosts))
	for i := range t.pairs.rows.n {
		ends[place[t.pairs.rows.at(uint32(i)).key.host]]++
	}
	sum := 0
	for i, n := range ends { // where each group begins; dealing moves it to its end
		ends[i] = sum
		sum += n
	}
	order = make([]pairOrder, t.pairs.rows.n)
	for i := range t.pairs.rows.n {
		k := &t.pairs.rows.at(uint32(i)).key
		at := &ends[place[k.host]]
		order[*at] = pairOrder{k.peer, uint32(i), k.port}
		*at++
	}
	from := 0
	for _, to := range ends {
		if to-from > 1 {
			slices.SortFunc(order[from:to], pairOrder.compare)
		}
		from = to
	}
	return order, ends
}

func (a pairOrder) compare(b pairOrder) int {
	if a.peer != b.peer {
		return a.peer.Compare(b.peer)
	}
	return cmp.Compare(a.port, b.port)
}

// sections sorts the rows into one section per shard. Kept flows point into the slab: the sections are valid
// until the next reset.
func (t *rowTable) sections(shards int) []feature.Section {
	out := make([]feature.Section, shards)
	hosts := t.orderHosts(shards)
	pairs, ends := t.orderPairs(hosts)
	hostRows, pairRows := make([]feature.HostRow, len(hosts)), make([]feature.PairRow, len(pairs))
	firstHost, firstPair, next := 0, 0, 0 // of the shard; the next pair
	for i := range hosts {
		h := &hosts[i]
		hostRows[i] = feature.HostRow{Slice: h.slice, Host: h.host, Role: h.role, Counters: *t.counters(h.number)}
		for ; next < ends[i]; next++ {
			t.fillPair(&pairRows[next], h, &pairs[next])
		}
		if i+1 < len(hosts) && hosts[i+1].shard == h.shard {
			continue
		}
		s := &out[h.shard]
		s.Hosts = hostRows[firstHost : i+1]
		if firstPair < next {
			s.Pairs = pairRows[firstPair:next]
		}
		firstHost, firstPair = i+1, next
	}
	return out
}

func (t *rowTable) fillPair(row *feature.PairRow, h *hostOrder, p *pairOrder) {
	c := &t.pairs.rows.at(p.number).value
	row.Slice, row.Host, row.Role, row.Peer, row.Port = h.slice, h.host, h.role, p.peer, p.port
	row.Counters = feature.PairCounters{Sessions: c.sessions, BytesSrc: c.src, BytesDst: c.dst, Res: c.res}
	if c.n > 0 {
		row.Counters.Kept = t.kept[c.at : c.at+uint32(c.n)]
	}
}

// lateRows is the table's host rows as late sections, one per shard.
func (t *rowTable) lateRows(into []feature.Section) {
	for i, s := range t.sections(len(into)) {
		into[i].Late = s.Hosts
	}
}
