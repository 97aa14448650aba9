package spelling

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"listen", "language", "menu", "queue", "hangup"}
	for word, want := range map[string]string{
		"listne": "listen", "lang": "language", "meun": "menu", "quue": "queue", "hang_up": "hangup",
		"banana": "", "": "", strings.Repeat("x", 1000): "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
