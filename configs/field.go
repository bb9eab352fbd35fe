package configs

// field describes one key of the file. It is a value, or a section of further fields.
type field struct {
	key      string
	def      string // the default as YAML; "" is none
	note     string // the default in words, where it depends on other settings or is long
	doc      string // one sentence, with the unit
	required bool
	value    value   // of a value
	fields   []field // of a section
}

// value is a place in a Config and how the file writes it.
type value interface {
	// decode reads n into the place; what is wrong with it is reported to the loader.
	decode(l *loader, path string, n *node)
	// show returns the value to print: string, bool, int64, float64, []any or members.
	show() any
	// word names the type for people.
	word() string
	// schema is the JSON Schema of the value.
	schema() schema
}

// members is a mapping that keeps its order.
type members []member

type member struct {
	key   string
	value any
}

func leaf(key, def string, v value, doc string) field {
	return field{key: key, def: def, value: v, doc: doc}
}

func section(key string, fields []field, doc string) field {
	return field{key: key, fields: fields, doc: doc}
}

// need marks a field without which nothing works.
func need(f field) field {
	f.required = true
	return f
}

// by gives the default of a field in words.
func by(f field, note string) field {
	f.note = note
	return f
}

func find(fields []field, key string) *field {
	for i := range fields {
		if fields[i].key == key {
			return &fields[i]
		}
	}
	return nil
}

// walk calls visit for every field, a section before what is in it.
func walk(fields []field, above string, visit func(path string, f *field)) {
	for i := range fields {
		f := &fields[i]
		path := join(above, f.key)
		visit(path, f)
		walk(f.fields, path, visit)
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
