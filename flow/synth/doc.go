// Package synth makes the flows of a small company that does not exist: workstations with working hours and
// weekends, servers, a proxy, a resolver, nightly backups, a vulnerability scanner that is known to be one, peers on
// the internet, and on request hosts that behave badly, each flow with a label that says so. The same Config gives
// the same flows, in the order in which a firewall would log them: by their end. Encoders write them in the log
// formats that package flow reads.
//
// Nothing here models attacks well enough to tune a detector on: the labels are for demonstrations, benchmarks and
// fault tests. A Generator and an Encoder belong to one goroutine each.
package synth
