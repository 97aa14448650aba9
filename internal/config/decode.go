package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// decoder writes a YAML tree into a value. It goes on after a mistake, so that
// all of them are told at once, and it notes where each key stands.
type decoder struct {
	name   string
	loader *loader
}

func (d *decoder) at(n ast.Node) string { return d.atToken(n.GetToken()) }

func (d *decoder) atToken(t *token.Token) string {
	return fmt.Sprintf("%s:%d:%d", d.name, t.Position.Line, t.Position.Column)
}

func (d *decoder) problem(n ast.Node, key, format string, args ...any) {
	d.loader.problem(d.at(n), key, format, args...)
}

// decode writes n into v, which is the setting key.
func (d *decoder) decode(n ast.Node, v reflect.Value, key string) {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		d.problem(n, key, "anchors and aliases (& and *) are not read here; write the value itself")
		return
	case *ast.TagNode:
		d.problem(n, key, "tags (!) are not read here; write the value itself")
		return
	case *ast.NullNode:
		d.problem(n, key, "a value is missing; %s, or leave the line out for the default", wanted(v.Type()))
		return
	}
	switch {
	case v.Kind() == reflect.Struct && !isText(v.Type()):
		d.mapping(n, v, key)
	case v.Kind() == reflect.Slice:
		d.sequence(n, v, key)
	default:
		d.scalar(n, v, key)
	}
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, key string) {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.problem(n, key, "settings are missing here; %s", wanted(v.Type()))
		return
	}
	seen := map[string]bool{}
	for it := m.MapRange(); it.Next(); {
		k := it.Key().GetToken()
		name := k.Value
		path := name
		if key != "" {
			path = key + "." + name
		}
		f, ok := fieldByKey(v, name)
		switch {
		case !ok:
			d.loader.problem(d.atToken(k), path, "there is no such setting%s", didYouMean(name, keysOf(v.Type())))
		case seen[name]:
			d.loader.problem(d.atToken(k), path, "it is set twice; keep one of them")
		default:
			seen[name] = true
			d.loader.origin[path] = d.atToken(k)
			d.decode(it.Value(), f, path)
		}
	}
}

// sequence replaces the whole list.
func (d *decoder) sequence(n ast.Node, v reflect.Value, key string) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.problem(n, key, "a list is wanted here; %s", wanted(v.Type()))
		return
	}
	list := reflect.MakeSlice(v.Type(), len(s.Values), len(s.Values))
	for i, item := range s.Values {
		path := fmt.Sprintf("%s[%d]", key, i)
		d.loader.origin[path] = d.at(item)
		d.decode(item, list.Index(i), path)
	}
	v.Set(list)
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, key string) {
	s, ok := n.(ast.ScalarNode)
	if !ok {
		d.problem(n, key, "one value is wanted here; %s", wanted(v.Type()))
		return
	}
	text := n.GetToken().Value
	switch x := s.(type) {
	case *ast.StringNode:
		text = x.Value
	case *ast.LiteralNode:
		text = x.Value.Value
	}
	if _, quoted := s.(*ast.StringNode); !quoted && v.Kind() == reflect.Bool && n.Type() != ast.BoolType {
		d.problem(n, key, "%q is not true or false", text)
		return
	}
	if err := setText(v, text); err != nil {
		d.problem(n, key, "%v", err)
	}
}

// setText sets v from text as flags, variables and YAML scalars carry it.
func setText(v reflect.Value, text string) error {
	if isText(v.Type()) {
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("%q does not fit: %w", text, err)
		}
		return nil
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d, err := parseDuration(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is not true or false", text)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(n)
	case reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number of 0 or more", text)
		}
		v.SetUint(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%q is not a number", text)
		}
		v.SetFloat(f)
	case reflect.Pointer: // a number that may be left out
		to := reflect.New(v.Type().Elem())
		if err := setText(to.Elem(), text); err != nil {
			return err
		}
		v.Set(to)
	case reflect.Slice:
		return setList(v, text)
	default:
		return fmt.Errorf("a value of type %s cannot be set as text; use the file", v.Type())
	}
	return nil
}

// setList sets a list of words from "a,b".
func setList(v reflect.Value, text string) error {
	list := reflect.MakeSlice(v.Type(), 0, 4)
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if err := setText(item, word); err != nil {
			return err
		}
		list = reflect.Append(list, item)
	}
	v.Set(list)
	return nil
}

// parseDuration takes what time.ParseDuration takes, and whole days ("180d").
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err == nil && n >= 0 && n <= int(math.MaxInt64/(24*time.Hour)) {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration; write a number with a unit, like 30s, 5m, 12h or 180d", text)
	}
	return d, nil
}

// isText says whether values of t read themselves from text.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// yamlKey returns the key of a field; false for one that is not read.
func yamlKey(f reflect.StructField) (string, bool) {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key, f.IsExported() && key != "" && key != "-"
}

func fieldByKey(v reflect.Value, key string) (reflect.Value, bool) {
	if v.Kind() != reflect.Struct {
		return reflect.Value{}, false
	}
	for i := range v.NumField() {
		if k, ok := yamlKey(v.Type().Field(i)); ok && k == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if k, ok := yamlKey(t.Field(i)); ok {
			keys = append(keys, k)
		}
	}
	return keys
}

// wanted says in words what a setting of type t looks like.
func wanted(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "write a duration like 30s"
	case t.Kind() == reflect.Struct && !isText(t):
		return "it takes " + strings.Join(keysOf(t), ", ")
	case t.Kind() == reflect.Slice:
		return "write one line with a dash for each, or []"
	case t.Kind() == reflect.Bool:
		return "write true or false"
	case t.Kind() == reflect.String:
		return `write a text, or "" for none`
	default:
		return "write a number"
	}
}
