package ivr

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Flow is one checked flow file. It is immutable and any number of calls run
// it at once.
type Flow struct {
	file    string
	start   string
	nodes   map[string]*node
	order   []string // as in the file
	prompts *Prompts
}

// node is one step of a flow, under its name.
type node struct {
	id   string
	kind string
	at   at
	step step
}

const (
	maxFlowText  = 256 << 10 // octets of a flow file
	maxFlowNodes = 500
)

var nodeID = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// LoadFlow reads and checks the flow file name. Its error is a Problems that
// lists everything wrong as FILE:LINE:COL: what is wrong; what would be right.
// What depends on a line (queues, consent) is checked by Flow.Check.
func LoadFlow(fsys fs.FS, name string, p *Prompts) (*Flow, error) {
	text, err := readLimited(fsys, name, maxFlowText)
	if err != nil {
		return nil, Problems{{File: name, Line: 1, Col: 1, Message: err.Error()}}
	}
	found := &findings{file: name}
	f := &Flow{file: name, nodes: map[string]*node{}, prompts: p}
	f.read(text, found)
	f.checkGraph(found)
	if err := found.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// Name returns the name of the file that the flow was loaded from.
func (f *Flow) Name() string { return f.file }

func (f *Flow) read(text []byte, found *findings) {
	file, ok := parse(text, found)
	if !ok {
		return
	}
	top, ok := onlyMapping(file, found)
	if !ok {
		return
	}
	var start word
	for _, v := range top {
		switch k := keyWord(v); k.text {
		case "start":
			if err := start.UnmarshalYAML(v.Value); err != nil {
				found.yaml(err)
			}
		case "nodes":
			f.readNodes(v, found)
		default:
			found.add(k.at, "unknown key %q; a flow has: start, nodes%s", k.text, nearest(k.text, []string{"start", "nodes"}))
		}
	}
	f.setStart(start, found)
}

func (f *Flow) setStart(start word, found *findings) {
	if len(f.order) == 0 {
		if len(found.list) == 0 {
			found.add(at{1, 1}, "the flow has no nodes; write them under nodes:")
		}
		return
	}
	f.start = f.order[0]
	if start.text == "" {
		return
	}
	f.start = start.text
	if _, ok := f.nodes[start.text]; !ok {
		found.add(start.at, "start: there is no node %q%s", start.text, nearest(start.text, f.order))
	}
}

func (f *Flow) readNodes(v *ast.MappingValueNode, found *findings) {
	values, ok := mapping(v.Value)
	if !ok {
		found.add(placeOf(v.Key), "nodes must be a mapping: the node's name, then what it does")
		return
	}
	if len(values) > maxFlowNodes {
		found.add(placeOf(v.Key), "the flow has %d nodes; at most %d are read", len(values), maxFlowNodes)
		return
	}
	for _, nv := range values {
		id := keyWord(nv)
		if !nodeID.MatchString(id.text) {
			found.add(id.at, "the node name %q is not allowed; use lower-case letters, digits, - and _, a letter first", id.text)
			continue
		}
		n := &node{id: id.text, at: id.at}
		// Known by name even if its body is wrong: others may lead to it.
		f.nodes[n.id] = n
		f.order = append(f.order, n.id)
		n.read(nv.Value, found)
	}
}

// read decodes the body of a node by its kind.
func (n *node) read(body ast.Node, found *findings) {
	values, ok := mapping(body)
	if !ok {
		found.add(n.at, "the node %q must be a mapping with kind: one of %s", n.id, strings.Join(kindNames(), ", "))
		return
	}
	var kind word
	for _, v := range values {
		if keyWord(v).text == "kind" {
			if err := kind.UnmarshalYAML(v.Value); err != nil {
				found.yaml(err)
				return
			}
		}
	}
	if kind.text == "" {
		found.add(n.at, "the node %q has no kind; it is one of %s", n.id, strings.Join(kindNames(), ", "))
		return
	}
	n.kind = kind.text
	n.step = newStep(kind.text)
	if n.step == nil {
		found.add(kind.at, "unknown kind %q; the kinds are %s%s", kind.text, strings.Join(kindNames(), ", "), nearest(kind.text, kindNames()))
		return
	}
	if err := decode(body, n.step, "a "+n.kind+" node"); err != nil {
		found.yaml(err)
		n.step = nil
		return
	}
	n.step.settle(&settling{node: n, findings: found})
}

// settling is what a step has at hand to check itself and fill in defaults.
type settling struct {
	node *node
	*findings
}

// need reports a missing value.
func (s *settling) need(name, why string) {
	s.add(s.node.at, "the %s node %q needs %s: %s", s.node.kind, s.node.id, name, why)
}

// String names the flow for logs.
func (f *Flow) String() string { return fmt.Sprintf("flow %s", f.file) }
