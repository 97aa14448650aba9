package api

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What somebody chose follows them, of two choices the newer one, and nobody
// else's.
func TestPreferences(t *testing.T) {
	h := newTestHouse(t, nil)
	const path = "/api/v1/preferences"
	alice, sam := h.signIn("alice"), h.signIn("sam")
	h.want(401, "GET", path, "", "")
	if got := decode[map[string]Preference](t, h.want(200, "GET", path, alice, "")); len(got) != 0 {
		t.Errorf("somebody new has chosen %v", got)
	}
	h.want(200, "PUT", path, alice, `{"language":{"value":"zh","changed":1000},"keys":{"value":{"mute":"q"},"changed":1000}}`)
	got := decode[map[string]Preference](t, h.want(200, "PUT", path, alice, `{"language":{"value":"en","changed":999},"keys":{"value":{"mute":"z"},"changed":1001}}`))
	if got["language"].Value != "zh" || got["language"].Changed != 1000 {
		t.Errorf("the older choice won: %+v", got["language"])
	}
	if keys, _ := got["keys"].Value.(map[string]any); keys["mute"] != "z" {
		t.Errorf("the newer choice is not kept: %+v", got["keys"])
	}
	if got := decode[map[string]Preference](t, h.want(200, "GET", path, sam, "")); len(got) != 0 {
		t.Errorf("sam has what alice chose: %v", got)
	}
	ahead := time.Now().Add(1000 * time.Hour).UnixMilli()
	got = decode[map[string]Preference](t, h.want(200, "PUT", path, alice, fmt.Sprintf(`{"theme":{"value":"dark","changed":%d}}`, ahead)))
	if got["theme"].Changed > time.Now().UnixMilli() {
		t.Error("a clock that runs ahead wins for ever")
	}
}

// What a page keeps here is bounded.
func TestPreferencesAreBounded(t *testing.T) {
	h := newTestHouse(t, nil)
	const path = "/api/v1/preferences"
	alice := h.signIn("alice")
	large := strings.Repeat("x", maxPreferenceBytes)
	for _, body := range []string{`{"Language":{"value":1,"changed":1}}`, `{"":{"value":1,"changed":1}}`, `{"keys":{"value":"` + large + `","changed":1}}`, `{"keys":{"value":1,"changed":-1}}`} {
		h.want(422, "PUT", path, alice, body)
	}
	for i := range maxPreferences {
		h.want(200, "PUT", path, alice, fmt.Sprintf(`{"n%s":{"value":1,"changed":1}}`, strings.Repeat("a", i)))
	}
	h.want(422, "PUT", path, alice, `{"one_more":{"value":1,"changed":1}}`)
	if got := decode[map[string]Preference](t, h.want(200, "GET", path, alice, "")); len(got) != maxPreferences {
		t.Errorf("%d preferences are kept, want %d", len(got), maxPreferences)
	}
}
