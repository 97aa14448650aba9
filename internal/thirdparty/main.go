// Command thirdparty writes THIRD_PARTY.md: every Go module that is linked into
// the binary and every npm package that is bundled into the pages, with its
// version, licence and notice. `make third-party` runs it; a test holds the file
// up to date.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const fileName = "THIRD_PARTY.md"

func main() {
	root, err := moduleRoot()
	if err == nil {
		var body []byte
		if body, err = generate(root); err == nil {
			err = os.WriteFile(filepath.Join(root, fileName), body, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "thirdparty:", err)
		os.Exit(1)
	}
}

// component is one module or package of somebody else.
type component struct {
	name, version, licence, text string
}

// generate returns the whole file. It needs the module cache and
// agent-web/node_modules.
func generate(root string) ([]byte, error) {
	modules, err := goModules(root)
	if err != nil {
		return nil, err
	}
	packages, err := npmPackages(root)
	if err == nil {
		packages, err = withParts(packages)
	}
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("# Third-party software in Callfloor\n\nWritten by `make third-party`; do not edit.\n\n## Linked into the binary (Go modules)\n\n")
	list(&b, modules)
	b.WriteString("\n## Bundled into the pages (npm packages)\n\n")
	list(&b, packages)
	b.WriteString("\n## Notices\n")
	for _, c := range slices.Concat(modules, packages) {
		fmt.Fprintf(&b, "\n### %s %s\n\n", c.name, c.version)
		if c.text == "" {
			fmt.Fprintf(&b, "The package ships no licence file; its licence is %s.\n", c.licence)
			continue
		}
		fmt.Fprintf(&b, "````text\n%s\n````\n", strings.TrimSpace(c.text))
	}
	return b.Bytes(), nil
}

func list(b *bytes.Buffer, components []component) {
	b.WriteString("| name | version | licence |\n|---|---|---|\n")
	for _, c := range components {
		fmt.Fprintf(b, "| %s | %s | %s |\n", c.name, c.version, c.licence)
	}
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// goModules lists the modules whose packages the binary is made of, on any
// platform that it is built for.
func goModules(root string) ([]component, error) {
	type module struct{ Path, Version, Dir string }
	found := map[string]module{}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		cmd := exec.Command("go", "list", "-deps", "-json=Module", "./cmd/callfloor")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("list the modules for %s: %w", goos, err)
		}
		for d := json.NewDecoder(bytes.NewReader(out)); ; {
			var p struct{ Module *module }
			err := d.Decode(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read the list of modules: %w", err)
			}
			if p.Module != nil && p.Module.Version != "" {
				found[p.Module.Path] = *p.Module
			}
		}
	}
	var all []component
	for _, m := range found {
		text, err := licenceText(m.Dir)
		if err != nil {
			return nil, fmt.Errorf("read the licence of %s: %w", m.Path, err)
		}
		licence := classify(mainLicence(m.Dir, text))
		if licence == "" {
			return nil, fmt.Errorf("the licence of %s is none that is known here; look at %s and teach classify", m.Path, m.Dir)
		}
		all = append(all, component{m.Path, m.Version, licence, text})
	}
	return sorted(all), nil
}

// npmPackages lists what package-lock.json installs for the pages themselves.
func npmPackages(root string) ([]component, error) {
	dir := filepath.Join(root, "agent-web")
	body, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version  string `json:"version"`
			License  string `json:"license"`
			Dev      bool   `json:"dev"`
			Optional bool   `json:"optional"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(body, &lock); err != nil {
		return nil, fmt.Errorf("read package-lock.json: %w", err)
	}
	var all []component
	for path, p := range lock.Packages {
		if path == "" || p.Dev || p.Optional {
			continue
		}
		if p.License == "" {
			return nil, fmt.Errorf("package-lock.json names no licence for %s", path)
		}
		text, err := licenceText(filepath.Join(dir, filepath.FromSlash(path)))
		if err != nil {
			return nil, fmt.Errorf("read the licence of %s (run npm ci in agent-web first): %w", path, err)
		}
		name := path[strings.LastIndex(path, "node_modules/")+len("node_modules/"):]
		all = append(all, component{name, p.Version, p.License, text})
	}
	return sorted(all), nil
}

func sorted(all []component) []component {
	slices.SortFunc(all, func(a, b component) int { return strings.Compare(a.name+" "+a.version, b.name+" "+b.version) })
	return all
}

// licenceText returns the files of dir that carry its licence and notices, "" if
// it has none.
func licenceText(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var parts []string
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		isNotice := slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"}, func(p string) bool { return strings.HasPrefix(name, p) })
		if e.IsDir() || !isNotice || strings.HasSuffix(name, ".GO") {
			continue
		}
		body, err := fs.ReadFile(os.DirFS(dir), e.Name())
		if err != nil {
			return "", err
		}
		parts = append(parts, strings.TrimSpace(strings.ReplaceAll(string(body), "\r\n", "\n")))
	}
	return strings.Join(parts, "\n\n"), nil
}

// mainLicence is the file that the module's own licence stands in; others beside
// it may tell of parts. all is what to judge where there is no such file.
func mainLicence(dir, all string) string {
	for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING"} {
		if body, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return string(body)
		}
	}
	return all
}

// classify names a licence by its own words; "" if it is none of those that
// Callfloor takes.
func classify(text string) string {
	flat := strings.Join(strings.Fields(text), " ")
	for _, l := range []struct{ name, words string }{
		{"Apache-2.0", "Apache License Version 2.0"},
		{"Apache-2.0", "Licensed under the Apache License, Version 2.0"},
		{"MPL-2.0", "Mozilla Public License Version 2.0"},
		{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
		{"BSD-3-Clause", "Neither the name of"},
		{"BSD-3-Clause", "may be used to endorse or promote products derived from this software without"},
		{"BSD-2-Clause", "Redistributions in binary form must reproduce the above copyright notice"},
		{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
		{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose"},
		{"Unlicense", "This is free and unencumbered software released into the public domain"},
	} {
		if strings.Contains(flat, l.words) {
			return l.name
		}
	}
	return ""
}
