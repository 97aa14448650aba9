package ivr

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// shown is a variable that the agent sees, and what it is called there.
type shown struct{ name, label word }

// maxShown is how many values an agent sees at most.
const maxShown = 20

// readShow reads what the agent sees: [order, vip], or {order: Order number}.
func (f *Flow) readShow(n ast.Node, found *findings) {
	const example = "show lists the variables that the agent sees, for example [order] or {order: Order number}"
	var list []shown
	switch n := n.(type) {
	case *ast.SequenceNode:
		for _, v := range n.Values {
			var w word
			if err := w.UnmarshalYAML(v); err != nil {
				found.yaml(err)
				return
			}
			list = append(list, shown{w, w})
		}
	default:
		values, ok := mapping(n)
		if !ok {
			found.add(placeOf(n), "%s", example)
			return
		}
		for _, v := range values {
			one := shown{name: keyWord(v)}
			if err := one.label.UnmarshalYAML(v.Value); err != nil {
				found.yaml(err)
				return
			}
			list = append(list, one)
		}
	}
	if len(list) > maxShown {
		found.add(placeOf(n), "%d values are more than an agent can read; show at most %d", len(list), maxShown)
		return
	}
	for _, s := range list {
		v, ok := f.vars.find(s.name.text)
		switch {
		case !ok:
			found.add(s.name.at, "there is no variable %q; declare it under vars:%s", s.name.text, nearest(s.name.text, f.vars.names()))
		case v.secret:
			found.add(s.name.at, "the variable %q is secret and must not be shown to the agent", s.name.text)
		case strings.TrimSpace(s.label.text) == "":
			found.add(s.label.at, "the variable %q needs a label", s.name.text)
		}
	}
	f.show = list
}

// showValues shows the agent what the flow, and those that called it, want
// shown.
func (r *runner) showValues() {
	values := []Value{}
	for _, fr := range append(r.stack[:len(r.stack):len(r.stack)], r.frame) {
		for _, s := range fr.flow.show {
			values = append(values, Value{Name: s.name.text, Label: s.label.text, Value: cleanText(plain(fr.vars[s.name.text]), 200)})
		}
	}
	if len(values) > 0 {
		r.caller.Show(values)
	}
}

// meetsPeople tells whether a node leads the caller to a person, who sees the
// values of the flow then.
func meetsPeople(s step) bool {
	switch s.(type) {
	case *queueStep, *agentStep:
		return true
	}
	return false
}
