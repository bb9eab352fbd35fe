// Package bench measures the hot paths as a whole: decoding, decoding and folding, Kafka to cuts, and the close of a
// slice. What is compared is measured in turns in one run and stated as a ratio of processor time, since the machines
// are shared; the clock on the wall is reported beside it.
//
//	go test ./test/bench -bench . -run '^$'         everything but the largest close
//	go test ./test/bench -run TestReport -report    the tables of docs/performance.md
//
// The brokers and the closes run in child processes, the same test binary started again, so that the work of a broker
// is not counted and the memory of a close is its own.
package bench
