package ivr

import (
	"callfloor/internal/spelling"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Problem is one thing wrong in a file, with its place counted from 1.
type Problem struct {
	File      string
	Line, Col int
	Message   string // what is wrong; what would be right
	// Path is how a caller gets there, step by step ("greeting", "key 9",
	// "menu"), where the fault is in a path and not in one place.
	Path []string
}

// String says the problem as FILE:LINE:COL: MESSAGE and the caller's path.
func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Message)
	if len(p.Path) > 0 {
		s += " (the caller's path: " + strings.Join(p.Path, " → ") + ")"
	}
	return s
}

// Problems is an error made of every problem found, in the order of the file.
type Problems []Problem

// Error lists the problems, one on each line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// findings collects the problems of one file.
type findings struct {
	file string
	list Problems
}

// add notes a problem at a place.
func (f *findings) add(where at, format string, args ...any) {
	f.addPath(where, nil, format, args...)
}

func (f *findings) addPath(where at, path []string, format string, args ...any) {
	f.list = append(f.list, Problem{
		File: f.file, Line: max(where.line, 1), Col: max(where.col, 1),
		Message: fmt.Sprintf(format, args...), Path: path,
	})
}

// yaml notes an error of the YAML reader or of an UnmarshalYAML of ours.
func (f *findings) yaml(err error) {
	if own, ok := errors.AsType[*misplaced](err); ok {
		f.add(own.at, "%s", own.message)
		return
	}
	if theirs, ok := errors.AsType[yaml.Error](err); ok && theirs.GetToken() != nil {
		pos := theirs.GetToken().Position
		f.add(at{pos.Line, pos.Column}, "this YAML cannot be read: %s", theirs.GetMessage())
		return
	}
	f.add(at{1, 1}, "%v", err)
}

// sorted returns what was found, in the order of the file.
func (f *findings) sorted() Problems {
	slices.SortStableFunc(f.list, func(a, b Problem) int {
		if a.File != b.File { // the file itself before its subflows
			return cmp.Or(cmp.Compare(bit(a.File != f.file), bit(b.File != f.file)), cmp.Compare(a.File, b.File))
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return f.list
}

// err returns what was found as an error, or nil.
func (f *findings) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return f.sorted()
}

// nearest returns ", did you mean …" for the word in known that is most like
// got, or "".
func nearest(got string, known []string) string {
	best := spelling.Nearest(got, known)
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
