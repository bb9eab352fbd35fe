// Package flow holds the canonical flow record and the decoders that make it: what the bytes of a vendor's log
// line mean, and nothing about hosts, slices or windows. A Decoder belongs to one goroutine; its Record and the
// byte slices in it are valid until the next call. The package imports the standard library and decoding
// libraries only.
package flow
