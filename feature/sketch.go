package feature

// Sketch is a dense HyperLogLog.
type Sketch struct{ reg [1 << 12]uint8 }
