package imports

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFeaturesNameTests holds docs/features.md and its siblings to the code: each
// test that they name is there.
func TestFeaturesNameTests(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, page := range pages {
		text += readDoc(t, "docs/"+filepath.Base(page))
	}
	named := regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(text, -1)
	if len(named) < 100 {
		t.Fatalf("the pages name %d tests; they name more", len(named))
	}
	sources := map[string]string{}
	for _, n := range named {
		room, test := n[1], n[2]
		if _, ok := sources[room]; !ok {
			files, err := filepath.Glob(filepath.Join("../..", filepath.FromSlash(room), "*_test.go"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				sources[room] += string(b)
			}
		}
		if !strings.Contains(sources[room], "\nfunc "+test+"(") {
			t.Errorf("a page of docs names %s.%s, which is not there", room, test)
		}
	}
}
