package ivr

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// The values of a flow file keep their place, so that a message can name it.

// at is a place in a file: line and column, counted from 1.
type at struct{ line, col int }

// misplaced is an error with a place.
type misplaced struct {
	at      at
	message string
}

func (m *misplaced) Error() string { return m.message }

func wrong(where at, format string, args ...any) error {
	return &misplaced{at: where, message: fmt.Sprintf(format, args...)}
}

// placeOf returns where n begins.
func placeOf(n ast.Node) at {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return at{1, 1}
	}
	pos := n.GetToken().Position
	return at{pos.Line, pos.Column}
}

// mapping returns the entries of a mapping.
func mapping(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

// decode reads a mapping into a struct, strictly; what names the thing in the
// error of a key that it does not have.
func decode(n ast.Node, into any, what string) error {
	values, ok := mapping(n)
	fields := fieldNames(into)
	if !ok {
		return wrong(placeOf(n), "%s is a mapping with %s, not a %s", what, strings.Join(fields, ", "), typeName(n))
	}
	for _, v := range values {
		if k := keyWord(v); !slices.Contains(fields, k.text) {
			return wrong(k.at, "unknown key %q; %s has: %s%s", k.text, what, strings.Join(fields, ", "), nearest(k.text, fields))
		}
	}
	return yaml.NodeToValue(n, into, yaml.Strict())
}

// fieldNames lists the keys that a struct is read from.
func fieldNames(pointer any) []string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(pointer).Elem()) {
		if tag := f.Tag.Get("yaml"); tag != "" {
			names = append(names, tag)
		}
	}
	return names
}

// onlyMapping returns the entries of a file that is one mapping.
func onlyMapping(file *ast.File, found *findings) ([]*ast.MappingValueNode, bool) {
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		found.add(at{1, 1}, "the file must be one YAML mapping; it is empty or has more than one document")
		return nil, false
	}
	body := file.Docs[0].Body
	values, ok := mapping(body)
	if !ok {
		found.add(placeOf(body), "the file must be a mapping (name: value), not a %s", typeName(body))
		return nil, false
	}
	strangers := &strangerFinder{found: found}
	ast.Walk(strangers, body)
	return values, !strangers.met
}

// strangerFinder refuses the parts of YAML that a flow has no use for and that
// make small files large (anchors and aliases).
type strangerFinder struct {
	found *findings
	met   bool
}

// Visit looks at one node (ast.Visitor).
func (s *strangerFinder) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		s.met = true
		s.found.add(placeOf(n), "YAML anchors, aliases, merges and tags are not used here; write the value out (quote it if it begins with * & or !)")
		return nil
	}
	return s
}

// word is a text with its place.
type word struct {
	text string
	at   at
}

// UnmarshalYAML reads a scalar.
func (w *word) UnmarshalYAML(n ast.Node) error {
	switch v := n.(type) {
	case *ast.StringNode:
		w.text = v.Value
	case *ast.LiteralNode:
		w.text = v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		w.text = n.GetToken().Value
	default:
		return wrong(placeOf(n), "a text is wanted here, not a %s", typeName(n))
	}
	w.at = placeOf(n)
	return nil
}

func keyWord(v *ast.MappingValueNode) word {
	return word{text: v.Key.GetToken().Value, at: placeOf(v.Key)}
}

func typeName(n ast.Node) string {
	if n == nil {
		return "nothing"
	}
	return strings.ToLower(n.Type().String())
}

// words is a text or a list of texts.
type words []word

// UnmarshalYAML reads one scalar or a sequence of them.
func (ws *words) UnmarshalYAML(n ast.Node) error {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		var w word
		if err := w.UnmarshalYAML(n); err != nil {
			return err
		}
		*ws = words{w}
		return nil
	}
	for _, v := range seq.Values {
		var w word
		if err := w.UnmarshalYAML(v); err != nil {
			return err
		}
		*ws = append(*ws, w)
	}
	return nil
}

// span is a time such as "10s" or "1m30s".
type span struct {
	d   time.Duration
	set bool
	at  at
}

// maxSpan bounds every time in a flow.
const maxSpan = time.Hour

// UnmarshalYAML reads a duration of 0 to one hour.
func (s *span) UnmarshalYAML(n ast.Node) error {
	var w word
	if err := w.UnmarshalYAML(n); err != nil {
		return err
	}
	d, err := time.ParseDuration(w.text)
	if err != nil || d < 0 || d > maxSpan {
		return wrong(w.at, "%q is not a time; write for example 10s or 1m30s, from 0s to 1h", w.text)
	}
	*s = span{d: d, set: true, at: w.at}
	return nil
}

func (s *span) fallback(d time.Duration) {
	if !s.set {
		s.d = d
	}
}

// count is a small number.
type count struct {
	n   int
	set bool
	at  at
}

const maxCount = 100

// UnmarshalYAML reads a whole number of 0 to 100.
func (c *count) UnmarshalYAML(n ast.Node) error {
	var w word
	if err := w.UnmarshalYAML(n); err != nil {
		return err
	}
	i, err := strconv.Atoi(w.text)
	if err != nil || i < 0 || i > maxCount {
		return wrong(w.at, "%q is not a count; write a whole number from 0 to %d", w.text, maxCount)
	}
	*c = count{n: i, set: true, at: w.at}
	return nil
}

func (c *count) fallback(n int) {
	if !c.set {
		c.n = n
	}
}

// keypad are the keys of a phone (RFC 4733 §3.2 names A to D too, which no
// customer's phone has).
const keypad = "0123456789*#"

// key is one key of a phone.
type key struct {
	r  rune
	at at
}

// UnmarshalYAML reads a key: a digit, "*" or "#".
func (k *key) UnmarshalYAML(n ast.Node) error {
	var w word
	if err := w.UnmarshalYAML(n); err != nil {
		return err
	}
	r, err := w.key()
	*k = key{r: r, at: w.at}
	return err
}

func (w word) key() (rune, error) {
	if len(w.text) != 1 || !strings.Contains(keypad, w.text) {
		return 0, wrong(w.at, `%q is not a key; keys are 0 to 9, "*" and "#" (the last two in quotes)`, w.text)
	}
	return rune(w.text[0]), nil
}

func (k *key) fallback(r rune) {
	if k.r == 0 {
		k.r = r
	}
}
