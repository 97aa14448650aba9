package main

import (
	"embed"
	"fmt"
)

//go:embed notices/*.txt
var notices embed.FS

// part is what a package carries of somebody else without saying so in its
// licence file. Only what the pages really load is listed.
type part struct{ of, name, version, licence, file string }

// within returns the parts of npm packages; of names the package.
func within() []part {
	const (
		suppressor = "@sapphi-red/web-noise-suppressor"
		segmenter  = "@twilio/video-processors"
	)
	return []part{
		{suppressor, "xiph/rnnoise", "in @shiguredo/rnnoise-wasm 2022.2.0", "BSD-3-Clause", "rnnoise.txt"},
		{suppressor, "@shiguredo/rnnoise-wasm", "2022.2.0", "Apache-2.0", "rnnoise-wasm.txt"},
		{segmenter, "TensorFlow Lite, with MediaPipe's Selfie Segmentation", "of 2021", "Apache-2.0", "tflite.txt"},
		{segmenter, "Eigen", "in TensorFlow Lite", "MPL-2.0", "eigen.txt"},
		{segmenter, "XNNPACK", "of 2021", "BSD-3-Clause", "xnnpack.txt"},
	}
}

// withParts adds to packages what is within them. A part whose package is gone
// is an error, so that this list does not outlive it.
func withParts(packages []component) ([]component, error) {
	all := packages
	for _, p := range within() {
		text, err := notices.ReadFile("notices/" + p.file)
		if err != nil {
			return nil, fmt.Errorf("read the notice of %s: %w", p.name, err)
		}
		found := false
		for _, c := range packages {
			found = found || c.name == p.of
		}
		if !found {
			return nil, fmt.Errorf("%s is listed as a part of %s, which is not bundled any more; take it out of within.go", p.name, p.of)
		}
		all = append(all, component{p.name, p.version, p.licence, string(text)})
	}
	return sorted(all), nil
}
