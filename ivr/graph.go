package ivr

import (
	"math"
	"strings"
)

// Graph is a flow as an editor shows it: what flow draw draws, as data.
type Graph struct {
	Start  string      `json:"start"`
	Width  float64     `json:"width"`
	Height float64     `json:"height"`
	Nodes  []GraphNode `json:"nodes" nullable:"false"`
	Edges  []GraphEdge `json:"edges" nullable:"false"`
}

// GraphNode is one box. X and Y are its upper left corner.
type GraphNode struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind" doc:"a kind of node, or end: a place where the call ends"`
	Summary string   `json:"summary"`
	Line    int      `json:"line" doc:"in the text, from 1; 0 for an end"`
	Column  int      `json:"column"`
	X       float64  `json:"x"`
	Y       float64  `json:"y"`
	Width   float64  `json:"width"`
	Height  float64  `json:"height"`
	Reached bool     `json:"reached" doc:"false where no caller can get to"`
	Prompts []string `json:"prompts" doc:"what it may play, as written"`
	Subflow string   `json:"subflow" doc:"the flow that it calls"`
	Queue   string   `json:"queue" doc:"the queue that it leads to"`
}

// GraphEdge is one way on; several that join the same two nodes are one.
type GraphEdge struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Label string `json:"label" doc:"what leads this way"`
	Back  bool   `json:"back" doc:"it closes a loop"`
}

// kindEnd is the kind of a drawn end of the call.
const kindEnd = "end"

// Graph lays the flow out as Draw does. It may be called for a flow that has
// problems (see Inspect): what could be read is in it.
func (f *Flow) Graph() Graph {
	g := Graph{Start: f.start, Nodes: []GraphNode{}, Edges: []GraphEdge{}}
	if f.nodes[f.start] == nil {
		return g
	}
	spots, edges := f.graph()
	p := layOut(f.start, spots, edges)
	g.Width, g.Height = round1(p.width), round1(p.height)
	for _, s := range spots {
		g.Nodes = append(g.Nodes, f.graphNode(s))
	}
	for _, e := range edges {
		g.Edges = append(g.Edges, GraphEdge{From: e.from, To: graphID(e.to), Label: e.label, Back: e.back || e.from == e.to})
	}
	f.addUnreached(&g)
	return g
}

// addUnreached puts the nodes that no caller reaches into a row below.
func (f *Flow) addUnreached(g *Graph) {
	reached := f.walk()
	x := 0.0
	for _, id := range f.order {
		if reached[id] != nil {
			continue
		}
		n := f.graphNode(&spot{id: id, width: boxWidth, height: boxHeight, x: x + boxWidth/2, y: g.Height + rankGap + boxHeight/2})
		n.Reached = false
		g.Nodes = append(g.Nodes, n)
		x += boxWidth + gapX
		for _, e := range f.ways(id) {
			if e.to.text != "" {
				g.Edges = append(g.Edges, GraphEdge{From: id, To: e.to.text, Label: short(e.by)})
			}
		}
	}
	if x > 0 {
		g.Width, g.Height = max(g.Width, x-gapX), g.Height+rankGap+boxHeight
	}
}

func (f *Flow) graphNode(s *spot) GraphNode {
	n := GraphNode{
		ID: graphID(s.id), Kind: kindEnd, Width: s.width, Height: s.height, Reached: true,
		X: round1(s.x - s.width/2), Y: round1(s.y - s.height/2), Prompts: []string{},
	}
	one := f.nodes[s.id]
	if one == nil {
		return n
	}
	n.Kind, n.Line, n.Column = one.kind, one.at.line, one.at.col
	if one.step == nil {
		return n
	}
	n.Summary = one.step.summary()
	for _, ref := range one.step.sounds() {
		if !ref.music && ref.text != "" && !strings.HasPrefix(ref.text, "number_") {
			n.Prompts = append(n.Prompts, ref.text)
		}
	}
	switch s := one.step.(type) {
	case *subflowStep:
		n.Subflow = strings.TrimSuffix(s.Flow.text, ".yaml")
	case *queueStep:
		n.Queue = s.Queue.text
		n.Prompts = append([]string{}, s.Say.texts()...)
	}
	return n
}

func (ws words) texts() []string {
	list := make([]string, len(ws))
	for i, w := range ws {
		list[i] = w.text
	}
	return list
}

// graphID names the end behind a node "NODE/end".
func graphID(id string) string {
	if rest, ok := strings.CutPrefix(id, "\x00"); ok {
		return rest + "/end"
	}
	return id
}

func round1(x float64) float64 { return math.Round(x*10) / 10 }

// ways are the exits of a node that lead somewhere known: all of them in a flow
// without problems.
func (f *Flow) ways(id string) []exit {
	n := f.nodes[id]
	if n == nil || n.step == nil {
		return nil
	}
	var list []exit
	for _, e := range n.step.exits() {
		if e.to.text == "" || f.nodes[e.to.text] != nil {
			list = append(list, e)
		}
	}
	return list
}
