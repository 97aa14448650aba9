package acd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxLevel is the best level of a skill; 1 is the lowest, 0 is "does not have it".
const MaxLevel = 5

// Skill is what an agent can do and how well: "chinese=3" in the configuration,
// "chinese" alone is level 1.
type Skill struct {
	Name  string
	Level int // 1 to MaxLevel
}

// UnmarshalText reads "chinese=3" or "chinese".
func (s *Skill) UnmarshalText(text []byte) error {
	name, level, has := strings.Cut(string(text), "=")
	name = strings.TrimSpace(name)
	n := 1
	if has {
		var err error
		if n, err = strconv.Atoi(strings.TrimSpace(level)); err != nil || n < 1 || n > MaxLevel {
			return fmt.Errorf("the level of a skill is 1 to %d: write %s=3", MaxLevel, name)
		}
	}
	if !isSkillName(name) {
		return fmt.Errorf("a skill is a name in small letters, digits, - and _, and a level: chinese=3")
	}
	*s = Skill{Name: name, Level: n}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Skill) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%s=%d", s.Name, s.Level), nil }

func isSkillName(s string) bool {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', i > 0 && (r >= '0' && r <= '9' || r == '-' || r == '_'):
		default:
			return false
		}
	}
	switch s {
	case "", "and", "or", "not", "any":
		return false
	}
	return len(s) <= 32
}

// Expr is a condition on an agent's skills:
//
//	chinese >= 3 AND (billing OR NOT trainee)
//
// A name alone means "at level 1 or more"; who lacks a skill has level 0. The
// comparisons are >= > = != < <=; NOT binds closer than AND, AND closer than
// OR. The zero Expr, and "any", hold for everybody.
type Expr struct{ tree *exprTree }

type exprTree struct {
	text string
	root exprNode
}

// exprNode is one of the types below.
type exprNode interface {
	holds(levels map[string]int) bool
}

type (
	andNode  struct{ left, right exprNode }
	orNode   struct{ left, right exprNode }
	notNode  struct{ inner exprNode }
	anyNode  struct{}
	compNode struct {
		name, op string
		level    int
	}
)

func (n andNode) holds(l map[string]int) bool { return n.left.holds(l) && n.right.holds(l) }
func (n orNode) holds(l map[string]int) bool  { return n.left.holds(l) || n.right.holds(l) }
func (n notNode) holds(l map[string]int) bool { return !n.inner.holds(l) }
func (anyNode) holds(map[string]int) bool     { return true }

func (n compNode) holds(l map[string]int) bool {
	have := l[n.name]
	switch n.op {
	case ">=":
		return have >= n.level
	case ">":
		return have > n.level
	case "<=":
		return have <= n.level
	case "<":
		return have < n.level
	case "!=":
		return have != n.level
	}
	return have == n.level
}

// Holds says whether an agent with these levels satisfies e.
func (e Expr) Holds(levels map[string]int) bool { return e.tree == nil || e.tree.root.holds(levels) }

// String returns e as it was written; "any" for the zero Expr.
func (e Expr) String() string {
	if e.tree == nil {
		return "any"
	}
	return e.tree.text
}

// IsAny says that e holds for everybody because it asks nothing.
func (e Expr) IsAny() bool {
	if e.tree == nil {
		return true
	}
	_, ok := e.tree.root.(anyNode)
	return ok
}

// Names lists the skills that e speaks of, each once, in their order.
func (e Expr) Names() []string {
	if e.tree == nil {
		return nil
	}
	return namesIn(e.tree.root, nil)
}

func namesIn(n exprNode, names []string) []string {
	switch n := n.(type) {
	case andNode:
		return namesIn(n.right, namesIn(n.left, names))
	case orNode:
		return namesIn(n.right, namesIn(n.left, names))
	case notNode:
		return namesIn(n.inner, names)
	case compNode:
		if !slices.Contains(names, n.name) {
			names = append(names, n.name)
		}
	}
	return names
}

// Equal says whether two were written alike.
func (e Expr) Equal(o Expr) bool { return e.String() == o.String() }

// UnmarshalText is ParseExpr.
func (e *Expr) UnmarshalText(text []byte) error {
	x, err := ParseExpr(string(text))
	if err == nil {
		*e = x
	}
	return err
}

// MarshalText writes what UnmarshalText reads.
func (e Expr) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// both is a AND b.
func both(a, b Expr) Expr {
	switch {
	case a.IsAny():
		return b
	case b.IsAny():
		return a
	}
	return Expr{&exprTree{text: "(" + a.String() + ") AND (" + b.String() + ")", root: andNode{a.tree.root, b.tree.root}}}
}

// ExprError says what is wrong with an expression and where.
type ExprError struct {
	Text    string
	Column  int // of the offending character, counted from 1
	Message string
}

// Error names the column, what stands there and what would be right.
func (e *ExprError) Error() string {
	return fmt.Sprintf("column %d of %q: %s", e.Column, e.Text, e.Message)
}

const (
	maxExpr  = 500 // characters of an expression
	maxDepth = 32  // brackets and NOTs within each other
)

// ParseExpr reads an expression. The error is an *ExprError.
func ParseExpr(text string) (Expr, error) {
	p := exprParser{text: text}
	if len(text) > maxExpr {
		return Expr{}, p.wrong(maxExpr, fmt.Sprintf("an expression has at most %d characters", maxExpr))
	}
	p.next()
	root, err := p.or(0)
	if err != nil {
		return Expr{}, err
	}
	if p.word != "" {
		return Expr{}, p.wrong(p.at, fmt.Sprintf("%q is too much; join conditions with AND or OR", p.word))
	}
	return Expr{&exprTree{text: strings.TrimSpace(text), root: root}}, nil
}

// exprParser reads by recursive descent, one word ahead.
type exprParser struct {
	text string
	pos  int
	word string // the next word; "" at the end
	at   int    // where it begins
}

func (p *exprParser) wrong(at int, message string) error {
	return &ExprError{Text: p.text, Column: at + 1, Message: message}
}

func (p *exprParser) next() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	p.at = p.pos
	if p.pos == len(p.text) {
		p.word = ""
		return
	}
	kind := charKind(p.text[p.pos])
	p.pos++
	for kind != single && p.pos < len(p.text) && charKind(p.text[p.pos]) == kind {
		p.pos++
	}
	p.word = p.text[p.at:p.pos]
}

const (
	single = iota
	letters
	comparison
)

func charKind(c byte) int {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		return letters
	case strings.IndexByte("<>=!", c) >= 0:
		return comparison
	}
	return single
}

func (p *exprParser) or(depth int) (exprNode, error) {
	left, err := p.and(depth)
	for err == nil && strings.EqualFold(p.word, "or") {
		p.next()
		var right exprNode
		if right, err = p.and(depth); err == nil {
			left = orNode{left, right}
		}
	}
	return left, err
}

func (p *exprParser) and(depth int) (exprNode, error) {
	left, err := p.not(depth)
	for err == nil && strings.EqualFold(p.word, "and") {
		p.next()
		var right exprNode
		if right, err = p.not(depth); err == nil {
			left = andNode{left, right}
		}
	}
	return left, err
}

func (p *exprParser) not(depth int) (exprNode, error) {
	if depth > maxDepth {
		return nil, p.wrong(p.at, fmt.Sprintf("more than %d brackets stand within each other", maxDepth))
	}
	switch {
	case strings.EqualFold(p.word, "not"):
		p.next()
		inner, err := p.not(depth + 1)
		return notNode{inner}, err
	case p.word == "(":
		open := p.at
		p.next()
		inner, err := p.or(depth + 1)
		if err == nil && p.word != ")" {
			return nil, p.wrong(open, "this bracket is not closed")
		}
		p.next()
		return inner, err
	case strings.EqualFold(p.word, "any"):
		p.next()
		return anyNode{}, nil
	}
	return p.compare()
}

func (p *exprParser) compare() (exprNode, error) {
	name, at := p.word, p.at
	if !isSkillName(name) {
		if name == "" {
			return nil, p.wrong(at, "a skill is missing here, like chinese >= 3")
		}
		return nil, p.wrong(at, fmt.Sprintf("%q is no skill; write a name in small letters, like chinese >= 3", name))
	}
	p.next()
	if p.word == "" || charKind(p.word[0]) != comparison {
		return compNode{name, ">=", 1}, nil
	}
	op := p.word
	switch op {
	case ">=", ">", "<=", "<", "=", "!=":
	case "==":
		op = "="
	default:
		return nil, p.wrong(p.at, fmt.Sprintf("%q compares nothing; write >=, >, =, !=, < or <=", op))
	}
	p.next()
	level, err := strconv.Atoi(p.word)
	if err != nil || level < 0 || level > MaxLevel {
		return nil, p.wrong(p.at, fmt.Sprintf("a level is missing here; write 0 to %d", MaxLevel))
	}
	p.next()
	return compNode{name, op, level}, nil
}
