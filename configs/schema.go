package configs

import (
	"encoding/json"

	"go.yaml.in/yaml/v4"
)

// schema is a part of a JSON Schema.
type schema map[string]any

// Schema returns the JSON Schema (draft 2020-12) of the configuration file, for editors. It accepts variables
// (${NAME}) wherever the loader does; what the loader checks across values it does not know.
func Schema() []byte {
	s := objectSchema(new(Config).fields())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Configuration of ndr"
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // made of maps, strings and numbers
	}
	return append(b, '\n')
}

func objectSchema(fields []field) schema {
	properties, required := schema{}, []string{}
	for i := range fields {
		f := &fields[i]
		if f.required {
			required = append(required, f.key)
		}
		properties[f.key] = f.schema()
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func (f *field) schema() schema {
	s := schema{}
	if f.value == nil {
		s = objectSchema(f.fields)
	} else {
		for k, v := range f.value.schema() {
			s[k] = v
		}
	}
	s["description"] = f.doc
	if f.def != "" {
		var def any
		if err := yaml.Load([]byte(f.def), &def); err != nil {
			panic("default of " + f.key + ": " + err.Error()) // a mistake in this package, found by its tests
		}
		s["default"] = def
	}
	return s
}
