// Package sinks is where rows leave the program and where it reads its own objects back: object stores (a local
// folder, S3) behind one contract, Parquet tables typed by feature.Table, and the codecs of the manifests that
// make rows visible. It leaves to its callers which keys exist and in which order they are created.
//
// A Store may be used from any goroutine. A TableWriter, TableFile or TableReader belongs to one goroutine.
package sinks
