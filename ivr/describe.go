package ivr

import "reflect"

// KindInfo says what a kind of node may hold, for an editor's forms.
type KindInfo struct {
	Kind   string      `json:"kind"`
	Fields []FieldInfo `json:"fields"`
}

// FieldInfo is one field of a kind of node.
type FieldInfo struct {
	Name string `json:"name"`
	// Type is exit (the name of a node), exits (a mapping or a list whose
	// entries lead to nodes), prompts, name, text, time, count, bool, expression,
	// or block: anything else, which is edited as text.
	Type string `json:"type" enum:"exit,exits,prompts,name,text,time,count,bool,expression,block"`
	// Entry is the key beside next in an entry of exits (label, when, percent);
	// "" where the entry is the node's name alone.
	Entry string `json:"entry,omitempty"`
	// List is true where exits are a list and not a mapping.
	List bool `json:"list,omitempty"`
}

// Kinds describes every kind of node, in the order of the table.
func Kinds() []KindInfo {
	list := make([]KindInfo, len(kinds))
	for i, k := range kinds {
		list[i] = KindInfo{Kind: k.name, Fields: []FieldInfo{}}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(k.make()).Elem()) {
			name := f.Tag.Get("yaml")
			if name == "" || name == "kind" {
				continue
			}
			list[i].Fields = append(list[i].Fields, describeField(k.make, name, f))
		}
	}
	return list
}

func describeField(fresh func() step, name string, f reflect.StructField) FieldInfo {
	info := FieldInfo{Name: name, Type: "block"}
	switch f.Type {
	case reflect.TypeFor[word]():
		info.Type = "name"
		if name == "next" || leads(fresh(), f) {
			info.Type = "exit"
		}
	case reflect.TypeFor[words](), reflect.TypeFor[sayable]():
		info.Type = "prompts"
	case reflect.TypeFor[span]():
		info.Type = "time"
	case reflect.TypeFor[count]():
		info.Type = "count"
	case reflect.TypeFor[*bool]():
		info.Type = "bool"
	case reflect.TypeFor[expression]():
		info.Type = "expression"
	case reflect.TypeFor[template]():
		info.Type = "text"
	case reflect.TypeFor[choices]():
		info.Type, info.Entry = "exits", "label"
	case reflect.TypeFor[conditions]():
		info.Type, info.Entry, info.List = "exits", "when", true
	case reflect.TypeFor[phrases]():
		info.Type, info.Entry, info.List = "exits", "label", true
	case reflect.TypeFor[shares]():
		info.Type, info.Entry, info.List = "exits", "percent", true
	case reflect.TypeFor[namedExits]():
		info.Type = "exits"
	}
	return info
}

// leads tells whether a name in this field is the name of a node: then the
// step's exits lead there.
func leads(s step, f reflect.StructField) bool {
	const somewhere = "somewhere"
	reflect.ValueOf(s).Elem().FieldByIndex(f.Index).Set(reflect.ValueOf(word{text: somewhere}))
	for _, e := range s.exits() {
		if e.to.text == somewhere {
			return true
		}
	}
	return false
}
