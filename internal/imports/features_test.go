package imports

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFeaturesNameTests holds docs/features.md to the code: each test that it
// names is there.
func TestFeaturesNameTests(t *testing.T) {
	page, err := os.ReadFile("../../docs/features.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(page), -1)
	if len(named) < 100 {
		t.Fatalf("the page names %d tests; it names more", len(named))
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
			t.Errorf("docs/features.md names %s.%s, which is not there", room, test)
		}
	}
}
