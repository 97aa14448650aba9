package config

import (
	"fmt"
	"slices"

	"callfloor/internal/spelling"
)

// didYouMean returns "; did you mean X?" for the nearest of known, or the list
// of what there is where nothing is near and the list is short.
func didYouMean(word string, known []string) string {
	best := spelling.Nearest(word, known)
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
