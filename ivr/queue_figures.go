package ivr

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	exprast "github.com/expr-lang/expr/ast"
	"github.com/goccy/go-yaml/ast"

	"callfloor/contact"
)

// QueueFigures are how a queue stands for one who would join it now; an
// expression reads them as queue("sales").waiting.
type QueueFigures struct {
	// Waiting are the callers who are not answered yet.
	Waiting float64 `expr:"waiting"`
	// Longest is how many seconds the first of them has waited.
	Longest float64 `expr:"longest"`
	// Expected is how many seconds one who comes now will wait; 0 where an agent
	// is free, and where nothing honest can be said.
	Expected float64 `expr:"expected"`
	// Staffed are the queue's agents at work, Available those of them who would be
	// offered a caller now.
	Staffed   float64 `expr:"staffed"`
	Available float64 `expr:"available"`
	// Open: it takes callers, by its hours or because a supervisor says so.
	Open bool `expr:"open"`
}

// queueFunction is the function of expressions that gives them. A variable of
// this name hides it.
const queueFunction = "queue"

func queueFigureNames() []string {
	return []string{"waiting", "longest", "expected", "staffed", "available", "open"}
}

var unknownFigure = regexp.MustCompile(`^type ivr\.QueueFigures has no field (\S+)`)

// noFigure says which figures there are, where err is about one that there is not.
func noFigure(message string) (string, bool) {
	m := unknownFigure.FindStringSubmatch(message)
	if m == nil {
		return "", false
	}
	return fmt.Sprintf("a queue has no figure %q; it has: %s%s", m[1], quoteList(queueFigureNames()), nearest(m[1], queueFigureNames())), true
}

// asksQueues notes the queues that an expression asks about. Each must be
// written as a text, so that Flow.Check can look whether there is one.
func (s *settling) asksQueues(e *expression, root exprast.Node, more scope) bool {
	if _, own := s.flow.vars.find(queueFunction); own || more[queueFunction] != nil {
		return true
	}
	found := &queueFinder{}
	exprast.Walk(&root, found)
	if found.named != len(found.asked) {
		s.once(e.at, `%s is a function of a queue's id in quotes; write for example %s("sales").waiting`, queueFunction, queueFunction)
		return false
	}
	for _, id := range found.asked {
		s.file.asked = append(s.file.asked, word{text: id.Value, at: e.within(id.Location().From)})
	}
	return true
}

// within is the place of an octet of an expression.
func (e *expression) within(offset int) at {
	where := e.at
	if !strings.Contains(e.text, "\n") {
		where.col += offset
		if e.quoted {
			where.col++
		}
	}
	return where
}

// queueFinder finds the calls of the function queue, and everything else of
// that name.
type queueFinder struct {
	asked []*exprast.StringNode
	named int
}

// Visit notes one node (expr's ast.Visitor).
func (f *queueFinder) Visit(n *exprast.Node) {
	switch n := (*n).(type) {
	case *exprast.IdentifierNode:
		if n.Value == queueFunction {
			f.named++
		}
	case *exprast.CallNode:
		callee, ok := n.Callee.(*exprast.IdentifierNode)
		if !ok || callee.Value != queueFunction || len(n.Arguments) != 1 {
			return
		}
		if id, ok := n.Arguments[0].(*exprast.StringNode); ok {
			f.asked = append(f.asked, id)
		}
	}
}

// queue is the function of expressions.
func (r *runner) queue(id string) (QueueFigures, error) {
	if r.start.Services.Queues == nil {
		return QueueFigures{}, errors.New("nothing is known of the queues")
	}
	q, ok := r.start.Services.Queues(contact.QueueID(id))
	if !ok {
		return QueueFigures{}, fmt.Errorf("there is no queue %q", id)
	}
	return q, nil
}

// queueWorlds are how queues stand in a scenario.
type queueWorlds []queueWorld

type queueWorld struct {
	name word
	QueueFigures
}

// quietQueue is one that a scenario says nothing about.
func quietQueue() QueueFigures { return QueueFigures{Staffed: 1, Available: 1, Open: true} }

// UnmarshalYAML reads {sales: {waiting: 4, expected: 5m}}.
func (qs *queueWorlds) UnmarshalYAML(n ast.Node) error {
	values, ok := mapping(n)
	if !ok {
		return wrong(placeOf(n), "a mapping of queues to their figures is wanted here, for example {sales: {waiting: 4, expected: 5m}}")
	}
	for _, v := range values {
		var f struct {
			Waiting   count `yaml:"waiting"`
			Longest   span  `yaml:"longest"`
			Expected  span  `yaml:"expected"`
			Staffed   count `yaml:"staffed"`
			Available count `yaml:"available"`
			Open      *bool `yaml:"open"`
		}
		if err := decode(v.Value, &f, "a queue of a scenario"); err != nil {
			return err
		}
		one := queueWorld{keyWord(v), quietQueue()}
		if f.Waiting.n > 0 || f.Longest.d > 0 || f.Expected.d > 0 { // nobody waits beside an agent who is free
			one.Available = 0
		}
		one.Waiting, one.Longest, one.Expected = float64(f.Waiting.n), f.Longest.d.Seconds(), f.Expected.d.Seconds()
		if f.Staffed.set {
			one.Staffed, one.Available = float64(f.Staffed.n), min(one.Available, float64(f.Staffed.n))
		}
		if f.Available.set {
			one.Available, one.Staffed = float64(f.Available.n), max(one.Staffed, float64(f.Available.n))
		}
		if f.Open != nil {
			one.Open = *f.Open
		}
		*qs = append(*qs, one)
	}
	return nil
}

// figures are how a queue stands in the scenario.
func (s *simulation) figures(id contact.QueueID) (QueueFigures, bool) {
	for _, q := range s.scenario.Queues {
		if q.name.text == string(id) {
			return q.QueueFigures, true
		}
	}
	return quietQueue(), true
}

// checkWorld refuses figures of queues that the flow does not name: they would
// count for nothing.
func (s *scenario) checkWorld(f *Flow, found *findings) {
	names := []string{}
	for _, q := range f.queues() {
		names = append(names, string(q))
	}
	for _, q := range s.Queues {
		if !slices.Contains(names, q.name.text) {
			found.add(q.name.at, "the flow names no queue %q%s", q.name.text, nearest(q.name.text, names))
		}
	}
}
