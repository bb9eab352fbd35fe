// Package stream holds the two streaming stages: ingest, which folds the records of a source partition into cuts,
// and features, which folds cuts into the state of a shard and closes slices. Its pure parts (watermark, carry,
// rows, cut, close record) know no clock, network or disk. Sources live in the sub-packages kafka and file; the
// shard's store and the object store are given by cmd through the small interfaces declared here.
package stream
