package contact

import (
	"strings"
	"testing"
)

func TestTags(t *testing.T) {
	groups := DefaultTagGroups()
	groups[0].Required, groups[1].Many = true, true
	for _, c := range []struct {
		what string
		tags Tags
		want string
	}{
		{"nothing", nil, ""},
		{"one of each", Tags{"topic": {"order"}, "mood": {"calm"}, "solved": {"no"}, "difficulty": {"hard"}}, ""},
		{"two where many may be", Tags{"mood": {"upset", "calm"}}, ""},
		{"two where one may be", Tags{"topic": {"order", "other"}}, "one tag"},
		{"the same twice", Tags{"mood": {"calm", "calm"}}, "twice"},
		{"no such tag", Tags{"mood": {"order"}}, `no tag "order"`},
		{"no such group", Tags{"weather": {"fine"}}, `no group of tags "weather"`},
	} {
		err := CheckTags(groups, c.tags)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || ErrorCode(err) != Invalid) {
			t.Errorf("%s: %v, want %q in it", c.what, err, c.want)
		}
	}
	if m := MissingTags(groups, Tags{"topic": {}}); len(m) != 1 || m[0].ID != "topic" {
		t.Errorf("missing: %v", m)
	}
	if m := MissingTags(groups, Tags{"topic": {"order"}}); m != nil {
		t.Errorf("missing: %v", m)
	}
}
