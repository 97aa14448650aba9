package ivr

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of what a bot may tell.
const (
	maxBriefKeys  = 40
	maxBriefList  = 50
	maxBriefText  = 2000 // runes of one text
	maxBriefDepth = 4
	maxBriefName  = 60
)

// cleanBrief returns what of a bot's context is kept: bounded, without control
// characters, and with the digits of payment cards masked, whoever wrote them
// down.
func cleanBrief(context map[string]any) map[string]any {
	x, _ := cleanValue(context, 0).(map[string]any)
	if x == nil {
		x = map[string]any{}
	}
	return x
}

func cleanValue(x any, depth int) any {
	switch x := x.(type) {
	case string:
		return cleanText(x, maxBriefText)
	case bool, nil:
		return x
	case float64:
		if s := plain(x); maskCards(s) != s {
			return maskCards(s)
		}
		return x
	case []any:
		if depth >= maxBriefDepth {
			return "…"
		}
		list := make([]any, 0, min(len(x), maxBriefList))
		for _, one := range x[:min(len(x), maxBriefList)] {
			list = append(list, cleanValue(one, depth+1))
		}
		return list
	case map[string]any:
		if depth >= maxBriefDepth {
			return "…"
		}
		names := make([]string, 0, len(x))
		for n := range x {
			names = append(names, n)
		}
		slices.SortFunc(names, cmp.Compare[string])
		m := map[string]any{}
		for _, n := range names[:min(len(names), maxBriefKeys)] {
			m[cleanText(n, maxBriefName)] = cleanValue(x[n], depth+1)
		}
		return m
	}
	return nil
}

func cleanText(s string, runes int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7F || r == utf8.RuneError || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return -1 // control characters, and those that turn text round
		}
		return r
	}, s)
	return maskCards(cut(s, runes))
}

const (
	shortestCard = 13 // digits (ISO/IEC 7812-1)
	longestCard  = 19
)

// maskCards puts stars for the digits of what looks like a payment card's
// number: 13 to 19 digits with a right check digit, with or without spaces and
// dashes between. The last four stay.
func maskCards(s string) string {
	// What is left beside a masked number may look like one in its turn.
	for {
		masked := maskRuns(s)
		if masked == s {
			return s
		}
		s = masked
	}
}

// maskRuns masks the card numbers in each run of digits, once.
func maskRuns(s string) string {
	b := []byte(s)
	for i := 0; i < len(b); {
		if b[i] < '0' || b[i] > '9' {
			i++
			continue
		}
		var at []int // of the digits of this run
		end := i
		for j := i; j < len(b); j++ {
			if b[j] >= '0' && b[j] <= '9' {
				at = append(at, j)
				end = j + 1
			} else if b[j] != ' ' && b[j] != '-' || j > end {
				break
			}
		}
		maskRun(b, at)
		i = end
	}
	return string(b)
}

// maskRun masks the card number that a run of digits is, or, in a longer one,
// those that stand in it. Rather too much is masked than too little.
func maskRun(b []byte, at []int) {
	digits := make([]byte, len(at))
	for i, j := range at {
		digits[i] = b[j]
	}
	mask := func(from, n int) {
		for _, j := range at[from : from+n-4] {
			b[j] = '*'
		}
	}
	if n := len(at); n >= shortestCard && n <= longestCard && luhn(string(digits)) {
		mask(0, n)
		return
	}
	for from := 0; from+15 <= len(at); from++ {
		for _, n := range []int{16, 15} { // what nearly all cards have
			if from+n <= len(at) && issued(digits[from:from+n]) && luhn(string(digits[from:from+n])) {
				mask(from, n)
				break
			}
		}
	}
}

// issued tells whether digits begin as those of a card that somebody issues.
func issued(d []byte) bool {
	switch d[0] {
	case '4', '6':
		return true
	case '5':
		return d[1] >= '1' && d[1] <= '5'
	case '2':
		return d[1] >= '2' && d[1] <= '7'
	case '3':
		return d[1] == '4' || d[1] == '7'
	}
	return false
}
