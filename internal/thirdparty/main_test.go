package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestFileIsUpToDate(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	want, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, fileName))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the modules and packages say; run make third-party", fileName)
	}
}

// A part of a package that is gone must be taken out of the list.
func TestPartsOfPackages(t *testing.T) {
	if _, err := withParts(nil); err == nil {
		t.Error("parts of packages that are not there are listed")
	}
	all, err := withParts([]component{{name: "@sapphi-red/web-noise-suppressor"}, {name: "@twilio/video-processors"}})
	if err != nil || len(all) != 2+len(within()) {
		t.Fatalf("%d components, %v; want the packages and their %d parts", len(all), err, len(within()))
	}
	for _, c := range all {
		if c.text != "" && classify(c.text) != c.licence {
			t.Errorf("the text of %s is %q, and the list says %q", c.name, classify(c.text), c.licence)
		}
	}
}

func TestClassify(t *testing.T) {
	for name, text := range map[string]string{
		"Apache-2.0":   "Apache License\n                           Version 2.0, January 2004",
		"MIT":          "Permission is hereby granted, free of charge, to any person obtaining a copy\nof this software",
		"BSD-3-Clause": "Redistributions in binary form must reproduce the above copyright notice … Neither the name of Google",
		"BSD-2-Clause": "Redistributions in binary form must reproduce the above copyright notice, this list",
		"":             "All rights reserved.",
	} {
		if got := classify(text); got != name {
			t.Errorf("classify(%.40q) = %q, want %q", text, got, name)
		}
	}
}
