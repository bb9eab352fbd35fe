package flow

import (
	"bytes"
	"embed"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

//go:embed presets/*.yaml
var presets embed.FS

// presetNames are the mappings that are built in.
func presetNames() []string { return []string{FormatECS, FormatOCSF} }

// loadMapping reads a mapping; preset may name a built-in one that it starts from, and so may its own format. Keys
// of the mapping replace those of the preset; fields, filter, swap and state are replaced key by key. Errors name
// all faults with line and column.
func loadMapping(text []byte, preset string, cfg Config) (Decoder, error) {
	own, err := parseYAML(text)
	if err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	if preset == "" && own != nil {
		if n := member(own, "format"); n != nil && slices.Contains(presetNames(), n.Value) {
			preset = n.Value
		}
	}
	root := own
	if preset != "" {
		body, err := presets.ReadFile("presets/" + preset + ".yaml")
		if err != nil {
			return nil, fmt.Errorf("read preset %s: %w", preset, err)
		}
		if root, err = parseYAML(body); err != nil {
			return nil, fmt.Errorf("read preset %s: %w", preset, err)
		}
		if own != nil {
			mergeMapping(root, own)
		}
	}
	if root == nil {
		return nil, fmt.Errorf("read mapping: it is empty")
	}
	plan, err := compileMapping(root, cfg.Timezone)
	if err != nil {
		return nil, fmt.Errorf("compile mapping: %w", err)
	}
	return newMapping(cfg, plan), nil
}

// parseYAML returns the root mapping of a document, nil if there is none.
func parseYAML(text []byte) (*yaml.Node, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 {
		return nil, nil
	}
	root := document.Content[0]
	if alias := findAlias(root); alias != nil {
		return nil, fmt.Errorf("line %d, column %d: anchors and aliases are not part of the language", alias.Line, alias.Column)
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d, column %d: a mapping of keys to values is expected", root.Line, root.Column)
	}
	return root, nil
}

func findAlias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n
	}
	for _, c := range n.Content {
		if a := findAlias(c); a != nil {
			return a
		}
	}
	return nil
}

// member returns the value of a key of a mapping node, nil if it has none.
func member(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// mergeMapping puts the keys of own over those of base.
func mergeMapping(base, own *yaml.Node) {
	for i := 0; i+1 < len(own.Content); i += 2 {
		key, value := own.Content[i], own.Content[i+1]
		old := member(base, key.Value)
		switch {
		case old == nil:
			base.Content = append(base.Content, key, value)
		case old.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode &&
			slices.Contains([]string{"fields", "filter", "swap", "state"}, key.Value):
			// The same key twice in own is a fault that the compiler reports, so it must stay visible.
			mergeMapping(old, value)
		default:
			for j := 0; j < len(base.Content); j += 2 {
				if base.Content[j].Value == key.Value {
					base.Content[j], base.Content[j+1] = key, value
				}
			}
		}
	}
}
