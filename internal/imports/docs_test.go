package imports

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestArchitectureIsTheMap holds docs/architecture.md to the code: its table has
// every package, and each room with the rank that TestImportTable holds.
func TestArchitectureIsTheMap(t *testing.T) {
	rows := map[string]string{} // by room
	for _, row := range regexp.MustCompile(`(?m)^\| (?:\d|tests|tools) \| .*$`).FindAllString(readDoc(t, "docs/architecture.md"), -1) {
		cells := strings.Split(row, "|")
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[2], -1) {
			rows[m[1]] = row
			if rank, err := strconv.Atoi(strings.TrimSpace(cells[1])); err == nil && ranks[m[1]] != rank {
				t.Errorf("%s has rank %d on the page, %d in the test", m[1], rank, ranks[m[1]])
			}
		}
	}
	for _, p := range packages(t) {
		path := strings.TrimPrefix(p.ImportPath, module+"/")
		if r, _ := room(p.ImportPath); !strings.Contains(rows[r], "`"+path+"`") {
			t.Errorf("the table of docs/architecture.md does not name %s in the row of %s", path, r)
		}
	}
}

// TestDocsNameWhatIsThere: files, folders and links that the documentation names
// are there.
func TestDocsNameWhatIsThere(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 10 {
		t.Fatal(len(pages), err)
	}
	file := regexp.MustCompile("`((?:[a-z0-9_.-]+/)*[A-Za-z0-9_.-]+\\.(?:go|ts|svelte|md|mjs|html|tsv|json|yaml))`")
	link := regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	for _, page := range append(pages, "../../README.md", "../../agent-web/README.md", "../../recordings/DESIGN.md") {
		text := readDoc(t, strings.TrimPrefix(filepath.ToSlash(page), "../../"))
		for _, m := range file.FindAllStringSubmatch(text, -1) {
			if !isThere(filepath.Dir(page), m[1]) {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil && !strings.Contains(m[1], "://") {
				t.Errorf("%s links %s, which is not there", page, m[1])
			}
		}
	}
}

// TestDocsShowNoSecrets: commands to copy give no token or password as an
// argument, where everybody on the machine reads it.
func TestDocsShowNoSecrets(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 10 {
		t.Fatal(len(pages), err)
	}
	argument := regexp.MustCompile(`(?:-H|--header|-u|--user|-d|--data)[ =]["']?[^|]*(?:(?i:authorization|"password")|\$token)`)
	for _, page := range append(pages, "../../README.md", "../../agent-web/README.md") {
		for line := range strings.Lines(readDoc(t, strings.TrimPrefix(filepath.ToSlash(page), "../../"))) {
			if strings.Contains(line, "curl") && argument.MatchString(line) {
				t.Errorf("%s has a secret in the list of processes: %s", page, line)
			}
		}
	}
}

// isThere looks where the pages mean files to be: from the top, beside the page,
// in a room's folder that they leave out, or anywhere for a bare name. What a
// server or a build writes, and names with NAME in them, are no files of ours.
func isThere(beside, name string) bool {
	if strings.Contains(name, "NAME") || name == "run.json" || strings.HasPrefix(name, "build/") {
		return true
	}
	for _, folder := range []string{"../..", beside, "../../internal", "../../agent-web/src", "../../agent-web/src/*", "../../agent-web", "../../*", "../../*/*"} {
		if found, _ := filepath.Glob(filepath.Join(folder, name)); len(found) > 0 {
			return true
		}
	}
	return false
}

func readDoc(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
