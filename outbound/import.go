package outbound

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of one import.
const (
	maxImport = 20_000
	maxWhy    = 200
)

// Wrong is a line of an import that is no number to list.
type Wrong struct {
	Line int // from 1
	Why  string
}

// ReadList reads numbers from CSV: the number first, why second where there is
// one; commas or semicolons. A first line without a number is taken for the
// heading. why stands for those without their own. Lines that are wrong are told
// and left out; the error says that it is no CSV, or too long.
func (c Config) ReadList(text, why string) (list []Listed, wrong []Wrong, err error) {
	text = strings.TrimPrefix(text, "\ufeff")
	r := csv.NewReader(strings.NewReader(text))
	if first, _, _ := strings.Cut(text, "\n"); strings.Contains(first, ";") && !strings.Contains(first, ",") {
		r.Comma = ';'
	}
	r.FieldsPerRecord, r.TrimLeadingSpace, r.LazyQuotes = -1, true, true
	for first := true; ; first = false {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, wrong, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the list of numbers: %w", err)
		}
		if len(list)+len(wrong) >= maxImport {
			return nil, nil, fmt.Errorf("the list has more than %d lines; import it in parts", maxImport)
		}
		line, _ := r.FieldPos(0)
		n, err := c.Parse(row[0])
		switch {
		case err != nil && first && !strings.ContainsAny(row[0], "0123456789"):
		case err != nil:
			wrong = append(wrong, Wrong{line, err.Error()})
		case n.Kind == Emergency:
			wrong = append(wrong, Wrong{line, "an emergency number cannot be on the do-not-call list"})
		default:
			l := Listed{Number: n.Key(), Why: why}
			if len(row) > 1 && strings.TrimSpace(row[1]) != "" {
				l.Why = cutRunes(strings.TrimSpace(row[1]), maxWhy)
			}
			list = append(list, l)
		}
	}
}

// cutRunes shortens a text to at most n characters.
func cutRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
