package api

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"callfloor/contact"
	"callfloor/internal/store"
)

// leastRole says, beside the code, from whom on each operation of the document
// is: a new one must be put here by somebody who has thought about it.
var leastRole = map[string]string{
	"anybody":  "info sign-in",
	"one-time": "session sign-out change-password", // also before the password was changed
	"agent": `add-do-not-call add-task call-task cancel-task close-task count-tags demo-call export-calls like-article list-article-versions
		list-calls list-names list-phrases list-promises list-tags list-targets list-tasks merge-preferences own-figures place-call preferences
		remove-phrase reveal-number save-customer save-phrase search-articles show-article show-call show-customer task-audio unlike-article`,
	"supervisor": `add-article assign-task change-article check-flow erase-recording flow-callers flow-kinds flow-schema
		flow-versions forecast-staff get-flow get-recording hold-recording list-audit list-do-not-call list-flows list-outbound-rules
		list-phones list-prompts list-recordings list-trunks plan-staff prompt-audio prompt-versions recording-audio recording-peaks
		remove-article show-outbound show-trunk simulate-flow stop-outbound test-flow try-outbound verify-recording what-if`,
	"admin": `add-user begin-flow-call call-sip change-user delete-prompt end-flow-call export-bans import-do-not-call lift-ban list-bans list-deliveries
		list-users list-webhooks press-flow-call publish-flow remove-contact remove-do-not-call remove-phone restore-prompt
		resume-outbound roll-back-flow send-again set-phone test-webhook upload-prompt`,
}

// TestEveryRouteHasItsRole asks every operation of the document as nobody, with
// a one-time password, and in each role; only who may is let through.
func TestEveryRouteHasItsRole(t *testing.T) {
	h := newTestHouse(t, everyRoute)
	ranks := []string{"anybody", "one-time", "agent", "supervisor", "admin"}
	rank := map[string]int{}
	for i, role := range ranks {
		for _, op := range strings.Fields(leastRole[role]) {
			rank[op] = i + 1
		}
	}
	err := h.db.Tx(t.Context(), func(tx *store.Tx) error {
		return insertUser(t.Context(), tx, User{User: "new", Name: "new", Role: contact.RoleAdmin, MustChangePassword: true}, goodHash())
	})
	if err != nil {
		t.Fatal(err)
	}
	type operations map[string]struct{ OperationID, Description string }
	doc := decode[struct{ Paths map[string]operations }](t, h.want(200, "GET", "/api/v1/openapi.json", "", "", atLocalhost))
	said := map[string]string{}
	for path, ops := range doc.Paths {
		for method, op := range ops {
			need, known := rank[op.OperationID]
			delete(rank, op.OperationID)
			if !known {
				t.Errorf("%s (%s %s): say in leastRole whom it is for", op.OperationID, method, path)
				continue
			}
			least := ranks[need-1]
			if first, ok := said[least]; ok && first != op.Description || op.Description == "" {
				t.Errorf("%s: the document says %q, and %q of others", op.OperationID, op.Description, first)
			}
			said[least] = op.Description
			for i, user := range []string{"", "new", "alice", "sam", "root"} {
				if got := h.letIn(strings.ToUpper(method), path, user); got != (i+1 >= need) {
					t.Errorf("%s %s (%s) lets %q in: %t, want %t", method, path, op.OperationID, user, got, !got)
				}
			}
		}
	}
	for op := range rank {
		t.Errorf("leastRole names %s, which is not in the document", op)
	}
}

// letIn says whether user gets as far as what is asked.
func (h *house) letIn(method, path, user string) bool {
	h.t.Helper()
	token := ""
	if user != "" {
		var err error
		if token, _, err = h.accounts.newSession(h.t.Context(), user, User{User: user}); err != nil {
			h.t.Fatal(err)
		}
	}
	w := h.do(method, regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x"), token, "", atLocalhost)
	if w.Code != http.StatusUnauthorized && w.Code != http.StatusForbidden {
		return true
	}
	if e := decode[Error](h.t, w); e.Message == "" {
		h.t.Errorf("%s %s as %q: refused without a message", method, path, user)
	}
	return false
}
