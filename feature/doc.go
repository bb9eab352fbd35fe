// Package feature is the catalog of published numbers and their arithmetic: slices, windows, deltas, pairs,
// novelty, segments, time context, and the schemas of the tables made of them. It knows no clock, network or
// disk. It imports the standard library only; every other package may use it from any goroutine, but a value is
// owned by one goroutine at a time unless its comment says otherwise.
package feature
