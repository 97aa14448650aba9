package app

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"callfloor/api"
	"callfloor/contact"
	"callfloor/web/seatclient"
)

// TestANewPasswordClosesOtherBrowsers: who changes the password in one browser has
// signed out the others, whose pages are open; the one goes on.
func TestANewPasswordClosesOtherBrowsers(t *testing.T) {
	a := start(t, t.TempDir())
	const old = "the first password"
	_, err := a.accounts.AddUser(t.Context(), "root", api.User{User: "nina", Role: contact.RoleAgent}, old)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	open := func() (asked, *seatclient.Client) {
		q := asked{t: t, url: a.Addrs().URL}
		var session struct{ Token string }
		q.do(http.MethodPost, "/api/v1/session", map[string]string{"user": "nina", "password": old}, http.StatusOK, &session)
		q.token = session.Token
		s, err := seatclient.Dial(ctx, seatclient.Options{URL: q.url, Token: q.token, NoMedia: true, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		t.Cleanup(func() { _ = s.Close() })
		return q, s
	}
	_, left := open()
	mine, page := open()
	mine.do(http.MethodPut, "/api/v1/password", map[string]string{"old": old, "new": "the second password"}, http.StatusNoContent, nil)
	select {
	case <-left.Done():
	case <-ctx.Done():
		t.Fatal("the browser that was left behind is still at the seat")
	}
	must(t, page.TakeOver())
	must(t, page.WaitPhone(ctx, true))
	if page.Err() != nil {
		t.Errorf("the browser with the new password was sent away: %v", page.Err())
	}
	mine.do(http.MethodDelete, "/api/v1/session", nil, http.StatusNoContent, nil)
	select {
	case <-page.Done():
	case <-ctx.Done():
		t.Error("a page stays at the seat when its user has signed out")
	}
}
