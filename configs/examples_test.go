package configs

import (
	"path/filepath"
	"testing"
)

func exampleFiles(t *testing.T) []string {
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("got %d examples, %v", len(files), err)
	}
	return files
}

func TestExamples(t *testing.T) {
	aws := func(string) (string, error) { return "from aws", nil }
	environ := []string{"NDR_BUCKET=acme-ndr", "KAFKA_PASSWORD=from environment"}
	for _, file := range exampleFiles(t) {
		if _, err := Check(Options{}, file); err != nil {
			t.Errorf("check %s:\n%v", file, err)
		}
		c, o, err := Load(file, Options{Environ: environ, SecretFromAWS: aws})
		if err != nil {
			t.Errorf("load %s:\n%v", file, err)
			continue
		}
		if len(o.Warnings) > 0 {
			t.Errorf("load %s: got warnings %v", file, o.Warnings)
		}
		if sasl := c.Source.Kafka.SASL; sasl.Mechanism != "" && sasl.Password.Value() == "" {
			t.Errorf("load %s: no password", file)
		}
	}
}
