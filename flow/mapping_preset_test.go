package flow

import "testing"

func TestPresetsCompile(t *testing.T) {
	for _, name := range presetNames() {
		newDecoder(t, Config{Format: name})
	}
}
