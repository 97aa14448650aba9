package ivr

import (
	"bytes"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxNesting bounds how deep a file may nest: a flow needs five levels, and the
// time that the YAML reader takes grows with the square of the depth.
const maxNesting = 100

// parse reads YAML after a look at its depth.
func parse(text []byte, found *findings) (*ast.File, bool) {
	if line := tooDeep(text); line > 0 {
		found.add(at{line, 1}, "the file nests deeper than %d levels; a flow needs five", maxNesting)
		return nil, false
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		found.yaml(err)
		return nil, false
	}
	return file, true
}

// tooDeep returns the line at which the text nests too deep, or 0. It counts
// brackets that are open and list marks in a row, whatever they stand in.
func tooDeep(text []byte) int {
	open, n := 0, 0
	for line := range bytes.Lines(text) {
		n++
		line, _, _ = bytes.Cut(line, []byte("#"))
		marks := 0
		for _, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(open-1, 0)
			case '-', '?', ':':
				marks++
			}
			if open > maxNesting || marks > maxMarks {
				return n
			}
		}
	}
	return 0
}

// maxMarks bounds the marks on one line that may begin a level ("- - - a").
const maxMarks = 1000
