package ivr

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// sayable is a list of prompts and of values: [your_total, {money: total, currency: CNY}].
type sayable []sayItem

// sayItem is a prompt, or a value and how to say it.
type sayItem struct {
	prompt word
	value  *expression
	format format
}

// UnmarshalYAML reads one item or a list of them.
func (s *sayable) UnmarshalYAML(n ast.Node) error {
	list := []ast.Node{n}
	if seq, ok := n.(*ast.SequenceNode); ok {
		list = seq.Values
	}
	for _, v := range list {
		var item sayItem
		if values, ok := mapping(v); ok {
			if err := item.readValue(values); err != nil {
				return err
			}
		} else if err := item.prompt.UnmarshalYAML(v); err != nil {
			return err
		}
		*s = append(*s, item)
	}
	return nil
}

func (i *sayItem) readValue(values []*ast.MappingValueNode) error {
	var kind, currency word
	i.value = &expression{}
	for _, v := range values {
		k := keyWord(v)
		if k.text == "currency" {
			if err := currency.UnmarshalYAML(v.Value); err != nil {
				return err
			}
			continue
		}
		kind = k
		if err := i.value.UnmarshalYAML(v.Value); err != nil {
			return err
		}
	}
	kind.text = strings.TrimSpace(kind.text + " " + currency.text)
	var err error
	i.format, err = readFormat(kind)
	return err
}

// settle compiles the values.
func (s sayable) settle(c *settling) {
	for _, item := range s {
		if item.value != nil && c.compile(item.value, item.format.wants(), nil) {
			c.noSecret(item.value, "what is said")
		}
	}
}

func (s sayable) sounds() []soundRef {
	var list []soundRef
	for _, item := range s {
		if item.value == nil {
			list = append(list, soundRef{word: item.prompt})
		}
	}
	return list
}

// resolveItems finds the clips of prompts and values; a value that cannot be
// said is left out and noted.
func (r *runner) resolveItems(s sayable) []Prompt {
	var list []Prompt
	for _, item := range s {
		if item.value == nil {
			list = append(list, r.resolve(words{item.prompt})...)
			continue
		}
		x, err := r.eval(item.value, nil)
		if err != nil {
			r.note(err.Error()+"; it is left out", nil)
			continue
		}
		ids := item.format.ids(r.lang, x)
		if len(ids) == 0 {
			r.note(fmt.Sprintf("line %d: the value cannot be said as %s; it is left out", item.value.at.line, item.format.kind), nil)
		}
		list = append(list, r.resolveIDs(r.lang, ids...)...)
	}
	return list
}
