package ivr

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"callfloor/contact"
)

// TestQueueFigureNames: the names in messages are those that expressions know.
func TestQueueFigureNames(t *testing.T) {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[QueueFigures]()) {
		names = append(names, f.Tag.Get("expr"))
	}
	if !slices.Equal(names, queueFigureNames()) {
		t.Errorf("the figures are %v, messages say %v", names, queueFigureNames())
	}
}

// TestFiguresThatCannotBeHad: where nothing is known of the queues, or the queue
// is gone since the flow was read, a condition is false and the timeline says so.
func TestFiguresThatCannotBeHad(t *testing.T) {
	f, err := loadText(builtinPrompts(t), `nodes:
  a: {kind: branch, choices: [{when: 'queue("sales").open', next: b}], else: c}
  b: {kind: hangup, say: greeting}
  c: {kind: hangup, say: goodbye}
`)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		queues func(contact.QueueID) (QueueFigures, bool)
		want   string
	}{
		"nothing known": {nil, "c"},
		"gone":          {func(contact.QueueID) (QueueFigures, bool) { return QueueFigures{}, false }, "c"},
		"closed":        {func(contact.QueueID) (QueueFigures, bool) { return QueueFigures{}, true }, "c"},
		"open": {func(id contact.QueueID) (QueueFigures, bool) {
			return QueueFigures{Open: id == "sales"}, true
		}, "b"},
	} {
		got, _, err := perform(t, f, scene{policy: policyNever, figures: c.queues})
		if err != nil {
			t.Error(name, err)
		}
		trace := strings.Join(got.trace, "\n")
		if !strings.Contains(trace, "takes the way to "+c.want) || strings.Contains(trace, "counts as false") != (name == "nothing known" || name == "gone") {
			t.Errorf("%s:\n%s", name, trace)
		}
	}
}
