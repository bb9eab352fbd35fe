package bench

import "io"

func buildShards(string, io.Writer) error { return nil }
func closeShards(string, io.Writer) error { return nil }
