// Package spelling finds the word that somebody meant when they mistyped one.
package spelling

import "strings"

// longest bounds the work: nobody means a word that is longer.
const longest = 64

// Nearest returns the word of known that is most like word: within a third of
// its letters (two at least), or one that word begins. It returns "" if none is.
func Nearest(word string, known []string) string {
	if len(word) > longest {
		return ""
	}
	best, limit := "", max(len(word)/3, 2)+1
	for _, k := range known {
		d := distance(word, k)
		if len(word) > 2 && strings.HasPrefix(k, word) { // "lang" for language
			d = min(d, 1)
		}
		if d < limit {
			best, limit = k, d
		}
	}
	return best
}

// distance is the edit distance of a and b (Levenshtein), in octets.
func distance(a, b string) int {
	if len(a) > longest || len(b) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
