package configs

import (
	"fmt"
	"reflect"
	"regexp"
)

// mismatch is a validator of the part of JSON Schema that Schema uses; "" is a match.
func mismatch(s map[string]any, v any) string {
	if ways, ok := s["anyOf"].([]any); ok {
		var last string
		for _, one := range ways {
			if last = mismatch(one.(map[string]any), v); last == "" {
				return ""
			}
		}
		return last
	}
	if words, ok := s["enum"].([]any); ok {
		for _, w := range words {
			if w == v {
				return ""
			}
		}
		return fmt.Sprintf("%v is not in %v", v, words)
	}
	if want, ok := s["const"]; ok && fmt.Sprint(want) != fmt.Sprint(v) {
		return fmt.Sprintf("%v is not %v", v, want)
	}
	if want, ok := s["type"].(string); ok && want != typeOf(v) && !(want == "number" && typeOf(v) == "integer") {
		return fmt.Sprintf("%v is not of type %s", v, want)
	}
	if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v.(string)) {
		return fmt.Sprintf("%v does not match %s", v, p)
	}
	x, isNumber := asFloat(v)
	if least, ok := s["minimum"].(float64); ok && isNumber && x < least {
		return fmt.Sprintf("%v is less than %v", v, least)
	}
	if most, ok := s["maximum"].(float64); ok && isNumber && x > most {
		return fmt.Sprintf("%v is more than %v", v, most)
	}
	switch v := v.(type) {
	case []any:
		return mismatchedItem(s, v)
	case map[string]any:
		return mismatchedMember(s, v)
	}
	return ""
}

func mismatchedItem(s map[string]any, list []any) string {
	for i, item := range list {
		if fault := mismatch(s["items"].(map[string]any), item); fault != "" {
			return fmt.Sprintf("[%d]: %s", i, fault)
		}
	}
	return ""
}

func mismatchedMember(s map[string]any, m map[string]any) string {
	required, _ := s["required"].([]any)
	for _, key := range required {
		if _, ok := m[key.(string)]; !ok {
			return fmt.Sprintf("%v is missing", key)
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for key, value := range m {
		if names, ok := s["propertyNames"].(map[string]any); ok {
			if fault := mismatch(names, key); fault != "" {
				return fault
			}
		}
		of, known := properties[key]
		if !known {
			of = s["additionalProperties"]
		}
		if of == false {
			return key + " is unknown"
		}
		if fault := mismatch(of.(map[string]any), value); fault != "" {
			return key + ": " + fault
		}
	}
	return ""
}

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case float64:
		return "number"
	}
	return "integer"
}

func asFloat(v any) (float64, bool) {
	r := reflect.ValueOf(v)
	switch {
	case !r.IsValid():
		return 0, false
	case r.CanInt():
		return float64(r.Int()), true
	case r.CanFloat():
		return r.Float(), true
	}
	return 0, false
}
