package config

import (
	"fmt"
)

// Limits of the groups of tags: more is no wrap-up that agents would do.
const (
	maxTagGroups = 8
	maxTags      = 20
)

// tags checks the groups of tags; a label that is missing is the other
// language's, or the ID.
func (l *loader) tags() {
	if len(l.cfg.Tags) > maxTagGroups {
		l.wrong("tags", "there are %d groups; agents choose from %d at most", len(l.cfg.Tags), maxTagGroups)
	}
	groups := map[string]bool{}
	for i, g := range l.cfg.Tags {
		key := fmt.Sprintf("tags[%d]", i)
		l.tagID(key, g.ID, groups)
		if len(g.Tags) == 0 || len(g.Tags) > maxTags {
			l.wrong(key+".tags", "the group %q has %d tags; it has 1 to %d", g.ID, len(g.Tags), maxTags)
		}
		seen := map[string]bool{}
		for j, t := range g.Tags {
			l.tagID(fmt.Sprintf("%s.tags[%d]", key, j), t.ID, seen)
		}
	}
}

func (l *loader) tagID(key, id string, seen map[string]bool) {
	switch {
	case !idPattern.MatchString(id):
		l.wrong(key+".id", "%q cannot name a tag or a group of tags; take 1 to 32 of a-z, 0-9, - and _, and write what people read as label", id)
	case seen[id]:
		l.wrong(key+".id", "%q is there twice; give each its own id", id)
	}
	seen[id] = true
}
