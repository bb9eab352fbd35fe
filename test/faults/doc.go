// Package faults runs the two streaming stages as a whole and asks one thing of them: the same input gives the same
// rows and the same accounts, whatever the number of partitions and shards, the size of the cuts, the order of arrival
// within the lateness, the failures of the object store, the crashes and the number of owners. The first run of every
// comparison is checked by the oracle. Guards are taken away one by one (ablation), to see that the comparison notices.
//
// Most runs happen in one process, over an object store in memory and a clock that jumps (testing/synctest); the rest
// start the real program. Everything random comes from a seed that a failure prints; -faults.seed sets it and
// -faults.long makes the long form.
package faults
