package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// ranks are the rooms: a package imports only lower ranks, its own sub-folders
// aside. A room that is not listed here fails the test.
var ranks = map[string]int{
	"contact":             0,
	"media":               1,
	"internal/store":      1,
	"sip":                 2,
	"web":                 2,
	"ivr":                 2,
	"acd":                 2,
	"recordings":          2,
	"customers":           2,
	"crm":                 2,
	"knowledge":           2,
	"call":                3,
	"outbound":            3,
	"phone":               4,
	"api":                 4,
	"internal/config":     5,
	"internal/app":        6,
	"cmd/callfloor":       7,
	"agent-web":           0,
	"internal/spelling":   1,
	"internal/simnet":     1,
	"internal/siptest":    5,
	"internal/imports":    0,
	"internal/thirdparty": 0,
	"e2e":                 8,
	"bench":               8,
}

// thirdParty says which rooms may import what; anything else is free.
var thirdParty = map[string][]string{
	"github.com/emiago/sipgo":         {"sip"},
	"github.com/icholy/digest":        {"sip"},
	"github.com/pion/webrtc":          {"web", "media", "e2e", "bench"},
	"github.com/pion/ice":             {"web", "media", "e2e", "bench"},
	"github.com/pion/turn":            {"web", "e2e", "bench"},
	"github.com/pion/srtp":            {"web", "media", "e2e", "bench"},
	"github.com/pion/dtls":            {"web", "media", "e2e", "bench"},
	"github.com/gorilla/websocket":    {"web", "media", "e2e", "bench"},
	"golang.org/x/sys":                {"media", "bench"},
	"modernc.org/sqlite":              {"internal/store"},
	"github.com/pressly/goose":        {"internal/store"},
	"filippo.io/age":                  {"recordings"},
	"github.com/danielgtaylor/huma":   {"api"},
	"github.com/alexedwards/argon2id": {"api"},
	"github.com/alecthomas/kong":      {"cmd/callfloor"},
	"github.com/nyaruka/phonenumbers": {"outbound"},
}

// testOnly are for tests.
var testOnly = []string{"internal/simnet", "internal/siptest"}

const module = "callfloor"

type pkg struct {
	ImportPath   string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// room is the folder of the table that a package belongs to: the longest that
// is the package or one above it.
func room(path string) (string, bool) {
	rel := strings.TrimPrefix(path, module+"/")
	best, found := "", false
	for name := range ranks {
		if (rel == name || strings.HasPrefix(rel, name+"/")) && len(name) >= len(best) {
			best, found = name, true
		}
	}
	return best, found
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Standard,Imports,TestImports,XTestImports", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var list []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestImportTable(t *testing.T) {
	list := packages(t)
	if len(list) < 15 {
		t.Fatalf("go list found %d packages; the house has more", len(list))
	}
	for _, p := range list {
		from, ok := room(p.ImportPath)
		if !ok {
			t.Errorf("%s is in no room of the table; give it a rank here and in docs/architecture.md", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			checkImport(t, p.ImportPath, from, imported, false)
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			checkImport(t, p.ImportPath, from, imported, true)
		}
	}
}

func checkImport(t *testing.T, path, from, imported string, inTest bool) {
	t.Helper()
	if !strings.HasPrefix(imported, module+"/") {
		checkThirdParty(t, path, from, imported, inTest)
		return
	}
	to, ok := room(imported)
	switch {
	case !ok || to == from:
	case inTest && slices.Contains(testOnly, to):
	case slices.Contains(testOnly, to) && !inTest && !slices.Contains(testOnly, from) && ranks[from] < 8:
		t.Errorf("%s imports %s, which is for tests only", path, imported)
	case ranks[to] >= ranks[from]:
		t.Errorf("%s (rank %d) imports %s (rank %d); only lower ranks may be imported", path, ranks[from], imported, ranks[to])
	}
}

func checkThirdParty(t *testing.T, path, from, imported string, inTest bool) {
	t.Helper()
	if from == "contact" && !inTest && strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
		t.Errorf("%s imports %s; contact imports the standard library only", path, imported)
	}
	for prefix, rooms := range thirdParty {
		if (imported == prefix || strings.HasPrefix(imported, prefix+"/")) && !slices.Contains(rooms, from) {
			t.Errorf("%s imports %s, which belongs to %s", path, imported, strings.Join(rooms, ", "))
		}
	}
}

// TestRoomsExist keeps the table from naming rooms that are gone.
func TestRoomsExist(t *testing.T) {
	seen := map[string]bool{"internal/simnet": true, "internal/siptest": true, "bench": true, "e2e": true}
	for _, p := range packages(t) {
		if r, ok := room(p.ImportPath); ok {
			seen[r] = true
		}
	}
	for _, r := range slices.Sorted(maps.Keys(ranks)) {
		if !seen[r] {
			t.Errorf("the table has the room %s, which has no package", r)
		}
	}
}

func TestRoom(t *testing.T) {
	for path, want := range map[string]string{
		"callfloor/media/codec":        "media",
		"callfloor/internal/store":     "internal/store",
		"callfloor/recordings/consent": "recordings",
		"callfloor/cmd/callfloor":      "cmd/callfloor",
	} {
		if got, ok := room(path); !ok || got != want {
			t.Errorf("room(%s) = %q, %t, want %q", path, got, ok, want)
		}
	}
	if got, ok := room("callfloor/util"); ok {
		t.Errorf("room(callfloor/util) = %q, want none", got)
	}
}
