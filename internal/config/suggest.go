package config

import (
	"fmt"
	"slices"
	"strings"
)

// didYouMean returns "; did you mean X?" for the nearest of known, or the list
// of what there is where nothing is near and the list is short.
func didYouMean(word string, known []string) string {
	best, bestDistance := "", len(word)/2+1
	for _, k := range known {
		d := distance(word, k)
		if len(word) > 2 && strings.HasPrefix(k, word) { // "lang" for language
			d = 1
		}
		if d < bestDistance {
			best, bestDistance = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	if len(known) > 20 {
		return "; callfloor.example.yaml lists all settings"
	}
	known = slices.Sorted(slices.Values(known))
	text := "; there are"
	for i, k := range known {
		if i > 0 {
			text += ","
		}
		text += " " + k
	}
	return text
}

// distance is the edit distance of a and b (Levenshtein), in octets.
func distance(a, b string) int {
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
