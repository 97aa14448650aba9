package app

import (
	"encoding/json"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
)

// told is what a seat knows of the customer before a word is said.
func told(s call.Snapshot) web.Told {
	t := web.Told{CSAT: s.CSAT}
	for _, v := range s.Values {
		t.Variables = append(t.Variables, web.VariableView{Name: v.Name, Label: v.Label, Value: v.Value})
	}
	if s.Brief == nil {
		return t
	}
	t.Context = &web.ContextView{From: s.Brief.From, At: contact.Time(s.Brief.At), Fields: map[string]json.RawMessage{}}
	for name, x := range s.Brief.Context {
		if text, err := json.Marshal(x); err == nil { // JSON is where they come from
			t.Context.Fields[name] = text
		}
	}
	return t
}
