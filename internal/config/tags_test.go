package config

import (
	"strings"
	"testing"
)

func TestTags(t *testing.T) {
	for text, want := range map[string]string{
		"tags: []": "",
		"tags:\n  - {id: topic, label: {en: Topic}, required: true, many: true, tags: [{id: order}]}": "",
		"tags:\n  - {id: Topic, tags: [{id: order}]}":                                                 `:2:6: tags[0].id: "Topic" cannot name`,
		"tags:\n  - {id: a, tags: [{id: x}]}\n  - {id: a, tags: [{id: x}]}":                           `tags[1].id: "a" is there twice`,
		"tags:\n  - {id: a, tags: [{id: x}, {id: x}]}":                                                `tags[0].tags[1].id: "x" is there twice`,
		"tags:\n  - {id: a, tags: []}":                                                                "1 to 20",
		"tags:\n  - {id: a, tags: [{id: x, label: {fr: X}}]}":                                         "no such setting",
	} {
		_, err := Load(Source{File: write(t, text+"\n")})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s\n%v\nwant %q", text, err, want)
		}
	}
}
