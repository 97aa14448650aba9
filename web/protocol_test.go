package web

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// examples maps the first word of a golden file's name to the Go type of the
// message or view that it holds. The browser's tests read the same files.
func examples() map[string]any {
	return map[string]any{
		TypeHello: Hello{}, TypeOffer: SDP{}, TypeAnswer: SDP{}, TypeCandidate: Candidate{}, TypeMedia: MediaReport{},
		TypeDo: Command{}, TypePing: Ping{}, TypePong: Ping{}, TypeWelcome: Welcome{}, TypeSnapshot: Snapshot{},
		TypeChange: Change{}, TypeResult: Result{}, TypeTab: Tab{}, TypeBye: Bye{},
		"me": MeView{}, "call": CallView{}, KeyOther: CallView{}, "agent": AgentView{}, "queue": QueueView{}, "alert": AlertView{}, "task": TaskView{}, "floor": FloorCallView{}, "listen": ListenView{}, "parked": ParkedView{}, "tags": TagsView{}, KeyEcho: EchoView{}, "flowcall": FlowCallView{},
	}
}

// TestGoldenRoundTrip reads each golden file strictly and writes it again: a
// field that one side does not know, or that is spelt in another way, fails.
func TestGoldenRoundTrip(t *testing.T) {
	files, err := filepath.Glob("testdata/protocol/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	var seen []string
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		kind, _, _ := strings.Cut(name, "_")
		seen = append(seen, kind)
		t.Run(name, func(t *testing.T) {
			example, ok := examples()[kind]
			if !ok {
				t.Fatalf("no message or view is called %q", kind)
			}
			golden, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			v := reflect.New(reflect.TypeOf(example))
			d := json.NewDecoder(bytes.NewReader(golden))
			d.DisallowUnknownFields()
			if err := d.Decode(v.Interface()); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(v.Interface())
			if err != nil {
				t.Fatal(err)
			}
			if got, want := plain(t, again), plain(t, golden); !reflect.DeepEqual(got, want) {
				t.Errorf("written again it differs:\n got %v\nwant %v", got, want)
			}
			if f := v.Elem().FieldByName("Type"); f.IsValid() && f.String() != kind {
				t.Errorf("type is %q, want %q", f.String(), kind)
			}
		})
	}
	for kind := range examples() {
		if !slices.Contains(seen, kind) {
			t.Errorf("testdata/protocol/%s.json is missing", kind)
		}
	}
}

func plain(t *testing.T, b []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
