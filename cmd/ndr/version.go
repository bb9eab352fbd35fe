package main

import (
	"runtime/debug"

	"ndr/feature"
)

// version is the released version; the build may set it.
var version = "0.1.0"

// writer names the program in what it writes.
func writer() string { return "ndr " + version + " (logic " + feature.LogicVersion + ")" }

// revision is the commit that the binary was built from, "" if the build did not record it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
