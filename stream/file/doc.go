// Package file is the source of log files: plain, gzip or zstd, local or in an object store. The files are merged
// by time into one stream, and that stream can be spread over several partitions. It is bounded: a partition ends
// with io.EOF. Every partition reads the files for itself, so their goroutines share nothing.
package file
