package ivr

import (
	"crypto/sha256"
	"encoding/hex"
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
	vars    variables
	show    []shown
	asked   []word // the queues whose figures are read in its text
	prompts *Prompts
	// version names this text and those of its subflows.
	version string
	text    []byte
	subs    []*Flow // that it calls itself, each once
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

// LoadFlow reads and checks the flow file name and the subflows that it calls
// from the same folder. Its error is a Problems that
// lists everything wrong as FILE:LINE:COL: what is wrong; what would be right.
// What depends on a line (queues, consent) is checked by Flow.Check.
func LoadFlow(fsys fs.FS, name string, p *Prompts) (*Flow, error) {
	f, problems := Inspect(fsys, name, p)
	if len(problems) > 0 {
		return nil, problems
	}
	return f, nil
}

// Inspect reads a flow as LoadFlow does and returns what could be read with
// what is wrong, for an editor. A flow with problems has a Graph and must not
// be run.
func Inspect(fsys fs.FS, name string, p *Prompts) (*Flow, Problems) {
	found := &findings{file: name}
	l := &loader{fsys: fsys, prompts: p, loaded: map[string]*Flow{}}
	f := l.load(name, found)
	return f, found.sorted()
}

// loader reads a flow and its subflows.
type loader struct {
	fsys    fs.FS
	prompts *Prompts
	open    []string // files that call each other, the first one first
	loaded  map[string]*Flow
}

// load reads and checks one file and what it calls. What is wrong goes to found.
func (l *loader) load(name string, found *findings) *Flow {
	f := &Flow{file: name, nodes: map[string]*node{}, prompts: l.prompts}
	text, err := readLimited(l.fsys, name, maxFlowText)
	if err != nil {
		found.add(at{1, 1}, "%s", err.Error())
		return f
	}
	l.open = append(l.open, name)
	f.text = text
	f.read(text, l, found)
	f.sign()
	if len(found.list) == 0 || len(f.order) > 0 {
		f.checkGraph(found)
	}
	l.open = l.open[:len(l.open)-1]
	if len(found.list) == 0 {
		l.loaded[name] = f
	}
	return f
}

// sign names the version: the hash of the text and of the subflows' versions.
func (f *Flow) sign() {
	sum := sha256.New()
	sum.Write(f.text)
	for _, s := range f.subs {
		fmt.Fprintf(sum, "\n%s %s", s.file, s.version)
	}
	f.version = hex.EncodeToString(sum.Sum(nil))[:versionLength]
}

// versionLength is how much of the hash names a version.
const versionLength = 16

// Version names what the flow says, its subflows included: it changes with any
// change of their texts.
func (f *Flow) Version() string { return f.version }

// Sources are the files that the flow is made of, itself first: each under its
// own name and version.
func (f *Flow) Sources() []Source {
	var list []Source
	f.eachSub(func(s *Flow) { list = append(list, Source{Name: s.file, Version: s.version, Text: s.text}) })
	return list
}

// Source is one file of a flow.
type Source struct {
	Name, Version string
	Text          []byte
}

// eachSub visits the flow and all that it calls, each once.
func (f *Flow) eachSub(visit func(*Flow)) {
	seen := map[*Flow]bool{}
	var walk func(*Flow)
	walk = func(one *Flow) {
		if seen[one] {
			return
		}
		seen[one] = true
		visit(one)
		for _, s := range one.subs {
			walk(s)
		}
	}
	walk(f)
}

// Name returns the name of the file that the flow was loaded from.
func (f *Flow) Name() string { return f.file }

func (f *Flow) read(text []byte, l *loader, found *findings) {
	file, ok := parse(text, found)
	if !ok {
		return
	}
	top, ok := onlyMapping(file, found)
	if !ok {
		return
	}
	for _, v := range top { // first: the nodes' expressions use them
		if keyWord(v).text == "vars" {
			f.readVariables(v.Value, found)
		}
	}
	var start word
	for _, v := range top {
		switch k := keyWord(v); k.text {
		case "start":
			if err := start.UnmarshalYAML(v.Value); err != nil {
				found.yaml(err)
			}
		case "nodes":
			f.readNodes(v, l, found)
		case "show":
			f.readShow(v.Value, found)
		case "vars":
		default:
			found.add(k.at, "unknown key %q; a flow has: start, vars, show, nodes%s", k.text, nearest(k.text, []string{"start", "vars", "show", "nodes"}))
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

func (f *Flow) readNodes(v *ast.MappingValueNode, l *loader, found *findings) {
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
		n.read(nv.Value, &settling{flow: f, file: f, loader: l, node: n, findings: found})
	}
}

// read decodes the body of a node by its kind.
func (n *node) read(body ast.Node, found *settling) {
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
	n.step.settle(found)
}

// settling is what a step has at hand to check itself and fill in defaults.
type settling struct {
	flow   *Flow // whose variables expressions read
	file   *Flow // whose text it is: the caller's in returns:, where flow is the subflow
	loader *loader
	node   *node
	*findings
}

// need reports a missing value.
func (s *settling) need(name, why string) {
	s.add(s.node.at, "the %s node %q needs %s: %s", s.node.kind, s.node.id, name, why)
}

// String names the flow for logs.
func (f *Flow) String() string { return fmt.Sprintf("flow %s", f.file) }
