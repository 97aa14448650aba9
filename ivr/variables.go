package ivr

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// varType is what a variable can hold.
type varType string

const (
	typeText   varType = "text"
	typeNumber varType = "number"
	typeYesNo  varType = "yes or no"
)

// variable is one that a flow declares. Its type is that of its first value.
type variable struct {
	name   word
	typ    varType
	first  any // string, float64 or bool
	secret bool
}

// variables are those of a flow, in the order of the file.
type variables []variable

var variableName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

const maxVariables = 100

// givenNames are what every expression may read without declaring it.
func givenNames() []string { return []string{"caller", "consent", "language", "line"} }

// reservedNames are those that some expressions are given.
func reservedNames() []string {
	return append(givenNames(), "value", "status", "body", "true", "false", "nil", "not", "and", "or", "in", "let", "if", "else", "matches", "contains")
}

func (vs variables) find(name string) (variable, bool) {
	for _, v := range vs {
		if v.name.text == name {
			return v, true
		}
	}
	return variable{}, false
}

func (vs variables) names() []string {
	list := make([]string, len(vs))
	for i, v := range vs {
		list[i] = v.name.text
	}
	return list
}

// fresh returns the first values, for one call.
func (vs variables) fresh() map[string]any {
	m := make(map[string]any, len(vs))
	for _, v := range vs {
		m[v.name.text] = v.first
	}
	return m
}

// readVariables reads {vip: false, tries: 0, order: "", card: {secret: true}}.
func (f *Flow) readVariables(n ast.Node, found *findings) {
	values, ok := mapping(n)
	if !ok {
		found.add(placeOf(n), `vars must be a mapping of names to first values, for example {vip: false, tries: 0, order: ""}`)
		return
	}
	if len(values) > maxVariables {
		found.add(placeOf(n), "the flow has %d variables; at most %d are read", len(values), maxVariables)
		return
	}
	for _, v := range values {
		name := keyWord(v)
		switch {
		case !variableName.MatchString(name.text):
			found.add(name.at, "the variable name %q is not allowed; use lower-case letters, digits and _, a letter first", name.text)
		case slices.Contains(reservedNames(), name.text):
			found.add(name.at, "the name %q is taken; name the variable otherwise", name.text)
		default:
			one, err := readVariable(name, v.Value)
			if err != nil {
				found.yaml(err)
				continue
			}
			f.vars = append(f.vars, one)
		}
	}
}

func readVariable(name word, n ast.Node) (variable, error) {
	v := variable{name: name}
	if _, ok := mapping(n); ok {
		var long struct {
			Secret *bool `yaml:"secret"`
		}
		if err := decode(n, &long, "a variable"); err != nil {
			return v, err
		}
		v.typ, v.first, v.secret = typeText, "", long.Secret != nil && *long.Secret
		return v, nil
	}
	var w word
	if err := w.UnmarshalYAML(n); err != nil {
		return v, err
	}
	switch n.(type) {
	case *ast.BoolNode:
		v.typ, v.first = typeYesNo, w.text == "true"
	case *ast.IntegerNode, *ast.FloatNode:
		x, err := strconv.ParseFloat(w.text, 64)
		if err != nil {
			return v, wrong(w.at, "%q is no number; write for example 0 or 2.5", w.text)
		}
		v.typ, v.first = typeNumber, x
	default:
		v.typ, v.first = typeText, w.text
	}
	return v, nil
}

const maxText = 4096 // octets of a text that a variable holds

// convert makes x a value of the type; false if it is none.
func (t varType) convert(x any) (any, bool) {
	switch x := x.(type) {
	case string:
		return x, t == typeText && len(x) <= maxText
	case bool:
		return x, t == typeYesNo
	case float64:
		return x, t == typeNumber
	case int:
		return float64(x), t == typeNumber
	case int64:
		return float64(x), t == typeNumber
	}
	return nil, false
}

// plain writes a value as a person does: whole numbers without a point.
func plain(x any) string {
	switch x := x.(type) {
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case string:
		return x
	default:
		return fmt.Sprint(x)
	}
}

// luhn tells whether the digits of a text have a right check digit, as those of
// payment cards have (ISO/IEC 7812-1 annex B).
func luhn(text string) bool {
	sum, double := 0, false
	for i := len(text) - 1; i >= 0; i-- {
		d := int(text[i] - '0')
		if d < 0 || d > 9 {
			return false
		}
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		double = !double
		sum += d
	}
	return text != "" && sum%10 == 0
}

func quoteList(names []string) string { return strings.Join(names, ", ") }
