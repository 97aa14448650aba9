package api

import (
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"callfloor/call"
	"callfloor/contact"
)

// manyCalls is Calls with n calls, a millisecond apart, the page after the first
// of which fails with err.
type manyCalls struct {
	testCalls
	n   int
	err error
}

func (c *manyCalls) List(_ context.Context, q call.Query) ([]call.Record, error) {
	first := 0
	if q.BeforeID != "" {
		if c.err != nil {
			return nil, c.err
		}
		first = c.n - int(q.Before.UnixMilli())
	}
	c.asked = q
	list := []call.Record{}
	for i := first; i < min(first+q.Limit, c.n); i++ {
		list = append(list, call.Record{ID: contact.NewID(), From: "13812341234", Started: call.Stamp(time.UnixMilli(int64(c.n - 1 - i)))})
	}
	return list, nil
}

func readCalls(t *testing.T, w *httptest.ResponseRecorder) [][]string {
	t.Helper()
	text, ok := strings.CutPrefix(w.Body.String(), "\ufeff")
	if !ok || w.Header().Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(w.Header().Get("Content-Disposition"), `"calls.csv"`) {
		t.Errorf("%v %.10q", w.Header(), w.Body)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 || !slices.Equal(rows[0], callColumns) {
		t.Fatalf("%v %v", rows, err)
	}
	return rows[1:]
}

// All calls that are chosen go out, page after page, with numbers as the one who
// asks may see them, and the audit log says who took them away.
func TestCallsAreExported(t *testing.T) {
	calls := &manyCalls{n: 2*exportPage + 5}
	h := newTestHouse(t, func(o *Options) { o.Calls = calls })
	root := h.signIn("root")
	for user, number := range map[string]string{"alice": "138****1234", "sam": "138****1234", "root": "13812341234"} {
		rows := readCalls(t, h.want(200, "GET", "/api/v1/calls.csv?agent=bob&line=1000&tag=topic%3Dorder&from=2026-11-23T10:00:00Z", h.signIn(user), ""))
		if len(rows) != calls.n || rows[0][1] != "1970-01-01T00:00:02.004Z" || rows[len(rows)-1][1] != "1970-01-01T00:00:00.000Z" {
			t.Errorf("%s: %d rows, the first %q", user, len(rows), rows[0])
		}
		if at := slices.Index(callColumns, "from"); rows[0][at] != number || rows[calls.n-1][at] != number {
			t.Errorf("%s sees %s", user, rows[0][at])
		}
		q, agent := calls.asked, contact.AgentID("bob")
		if user == "alice" {
			agent = "alice" // an agent's are the agent's own
		}
		if q.Agent != agent || q.Line != "1000" || !slices.Equal(q.Tags, []string{"topic=order"}) || q.From.IsZero() {
			t.Errorf("%s's question became %+v", user, q)
		}
		e := decode[[]Entry](t, h.want(200, "GET", "/api/v1/audit?limit=1", root, ""))[0]
		if e.Who != user || e.Action != ActionCallsExport || e.Details["whole_numbers"] != (user == "root") || e.Details["from"] != "2026-11-23T10:00:00.000Z" {
			t.Errorf("the audit log has %+v", e)
		}
	}
}

// What fails in the middle is not taken for whole.
func TestAnExportThatFailsIsCutOff(t *testing.T) {
	calls := &manyCalls{n: 2 * exportPage, err: errors.New("the disk is gone")}
	h := newTestHouse(t, func(o *Options) { o.Calls = calls })
	root := h.signIn("root")
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // net/http compares too
			t.Errorf("it ended with %v", p)
		}
		if !strings.Contains(h.log.String(), "the disk is gone") {
			t.Errorf("the log says nothing of it: %s", h.log)
		}
	}()
	h.do("GET", "/api/v1/calls.csv", root, "")
}

// Every field of a call has its column.
func TestCallCells(t *testing.T) {
	at, text, queue, agent, csat := call.Stamp(time.UnixMilli(1500)), "=1+1", contact.QueueID("sales"), contact.AgentID("alice"), 5
	result, by := "Not said", "system"
	end := call.Stamp(time.UnixMilli(4000))
	r := call.Record{
		ID: "c1", Line: "1000", From: "+8613812341234", Direction: "in", Name: &text, Queue: &queue, Agent: &agent, Started: at, Queued: &at, Answered: &at, Ended: &end,
		End: &contact.EndCause{By: contact.Customer, Class: contact.EndCompleted, SIP: 200}, Consent: contact.ConsentGranted,
		Disposition: &result, DispositionBy: &by, Note: &text, Tags: contact.Tags{"topic": {"order", "billing"}, "mood": {"calm"}}, CSAT: &csat,
	}
	const second, fourth = "1970-01-01T00:00:01.500Z", "1970-01-01T00:00:04.000Z"
	want := []string{
		"c1", second, "in", "1000", "'+8613812341234", "'=1+1", "", "", "sales", "alice", second, second, fourth, "2.500",
		"customer", "completed", "200", "granted", "", "Not said", "'=1+1", "mood=calm topic=billing topic=order", "5", "system",
	}
	if got := callCells(r); !slices.Equal(got, want) || len(got) != len(callColumns) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if got := callCells(call.Record{}); len(got) != len(callColumns) {
		t.Errorf("an empty call has %d cells", len(got))
	}
}

// No cell is a formula, whatever a caller is called, and none loses anything.
func FuzzPlainCell(f *testing.F) {
	for _, v := range []string{"", "Alice", "=1+1", "+86", "-1", "@x", "\t=1", "\r\n=1", "  =1", "＝1", "'=1", "a\"b", "\xff="} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		got := plainCell(v)
		if first := strings.TrimLeft(got, " "); first != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(first)[0]) {
			t.Errorf("%q became %q", v, got)
		}
		if got != v && got != "'"+v {
			t.Errorf("%q became %q", v, got)
		}
	})
}
