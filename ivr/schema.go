package ivr

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// object is a JSON object.
type object = map[string]any

// Schema returns the JSON schema (draft 2020-12) of flow files: editors show
// with it what each kind of node takes. LoadFlow checks far more.
func Schema() []byte {
	kindsOf := make([]any, len(kinds))
	names := make([]any, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
		kindsOf[i] = object{
			"if":   object{"properties": object{"kind": object{"const": k.name}}},
			"then": nodeSchema(k.name, reflect.TypeOf(k.make()).Elem()),
		}
	}
	schema := object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "A Callfloor flow",
		"type":    "object", "required": []string{"nodes"}, "additionalProperties": false,
		"properties": object{
			"start": object{"type": "string", "description": "The first node; by default the first in the file."},
			"vars": object{
				"type": "object", "description": "Variables with their first values, which give them their types.",
				"additionalProperties": object{"anyOf": []any{
					object{"type": []string{"string", "number", "boolean"}},
					object{"type": "object", "properties": object{"secret": object{"type": "boolean"}}, "additionalProperties": false},
				}},
			},
			"show": object{"description": "Variables that the agent sees: a list, or a mapping to their labels.", "anyOf": []any{
				listOf(scalar("a variable")), mapOf(scalar("what it is called")),
			}},
			"nodes": object{
				"type": "object", "minProperties": 1, "propertyNames": object{"pattern": nodeID.String()},
				"additionalProperties": object{
					"type": "object", "required": []string{"kind"},
					"properties": object{"kind": object{"enum": names}}, "allOf": kindsOf,
				},
			},
		},
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(schema); err != nil {
		panic(err) // plain values only
	}
	return b.Bytes()
}

// nodeSchema is what a kind of node takes.
func nodeSchema(kind string, t reflect.Type) object {
	properties := fieldSchemas(t)
	properties["kind"] = object{"const": kind}
	return object{"properties": properties, "additionalProperties": false}
}

func fieldSchemas(t reflect.Type) object {
	properties := object{}
	for _, f := range reflect.VisibleFields(t) {
		if tag := f.Tag.Get("yaml"); tag != "" {
			properties[tag] = valueSchema(f.Type)
		}
	}
	return properties
}

// scalar is a value that YAML may write as a text, a number or a word.
func scalar(description string) object {
	return object{"type": []string{"string", "number", "boolean"}, "description": description}
}

func mapOf(value object) object { return object{"type": "object", "additionalProperties": value} }

func listOf(item object) object { return object{"type": "array", "items": item} }

// valueSchema is how a value of a node is written.
func valueSchema(t reflect.Type) object {
	name := scalar("a name")
	formula := scalar("an expression over the flow's variables, caller, line, language, consent and queue(\"ID\")")
	switch t {
	case reflect.TypeFor[words]():
		return object{"anyOf": []any{name, listOf(name)}}
	case reflect.TypeFor[sayable]():
		value := object{"type": "object", "properties": object{"currency": object{"enum": currencies()}}, "minProperties": 1}
		for _, f := range formatNames() {
			value["properties"].(object)[f] = formula
		}
		item := object{"anyOf": []any{name, value}}
		return object{"anyOf": []any{item, listOf(item)}}
	case reflect.TypeFor[span]():
		return object{"type": "string", "description": "a time such as 10s or 1m30s"}
	case reflect.TypeFor[count]():
		return object{"type": "integer", "minimum": 0, "maximum": maxCount}
	case reflect.TypeFor[key]():
		return scalar("a key: 0 to 9, * or #")
	case reflect.TypeFor[*bool]():
		return object{"type": "boolean"}
	case reflect.TypeFor[expression]():
		return formula
	case reflect.TypeFor[template]():
		return scalar("a text with values in braces: {NAME}, {EXPRESSION as number}")
	case reflect.TypeFor[texts]():
		return mapOf(scalar("a text with values in braces"))
	case reflect.TypeFor[assignments]():
		return mapOf(formula)
	case reflect.TypeFor[choices]():
		return mapOf(object{"type": "object", "properties": fieldSchemas(reflect.TypeFor[choice]()), "required": []string{"label", "next"}, "additionalProperties": false})
	case reflect.TypeFor[languageKeys]():
		return mapOf(object{"enum": Languages()})
	case reflect.TypeFor[namedExits](), reflect.TypeFor[headers]():
		return mapOf(name)
	case reflect.TypeFor[openingHours]():
		return object{"anyOf": []any{object{"const": "always"}, listOf(rowSchema(reflect.TypeFor[openSpan](), "days", "from", "to"))}}
	case reflect.TypeFor[holidays]():
		return listOf(object{"anyOf": []any{scalar("2026-12-25, or 12-25 for every year"), rowSchema(reflect.TypeFor[holiday](), "date")}})
	case reflect.TypeFor[conditions]():
		return listOf(rowSchema(reflect.TypeFor[condition](), "when", "next"))
	case reflect.TypeFor[phrases]():
		return listOf(rowSchema(reflect.TypeFor[phrase](), "label", "key", "words", "next"))
	case reflect.TypeFor[shares]():
		return listOf(rowSchema(reflect.TypeFor[share](), "percent", "next"))
	default: // word, zone, weekdays, clockTime, holidayDate
		return name
	}
}

func rowSchema(t reflect.Type, required ...string) object {
	return object{"type": "object", "properties": fieldSchemas(t), "required": required, "additionalProperties": false}
}
