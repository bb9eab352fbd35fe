// Package fgb computes FG-B, the monthly baselines: what is usual for every host and segment, per time band and
// window, from the FG-A rows and pair counts of a horizon. Memory is bounded whatever the number of hosts: rows are
// spilled to local files in the order of segment, role, band, window and host; segments read them by column, in
// several passes where one does not fit; hosts read them merged in address order.
//
// A Job computes one part of the segments (part i of n), or all, and publishes: the publishing step merges what
// parts know of hosts that moved between segments, asks the guard, and creates publication.json, which is the
// commit. The arithmetic is in package feature; objects are read and written through package sinks. A Job belongs to
// one goroutine and starts others, for which it waits.
package fgb
