package api

import (
	"context"
	"log/slog"
	"testing"

	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
	"callfloor/sip"
)

func TestPhonePasswords(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(ctx, storetest.Folder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a test's
	a, err := NewAccounts(AccountsOptions{Log: slog.New(slog.DiscardHandler), DB: db, Demo: []Person{{User: "alice", Role: contact.RoleAgent, Password: "demo"}}})
	if err != nil {
		t.Fatal(err)
	}
	changed := []string{}
	a.WatchPhones(func(user string) { changed = append(changed, user) })
	if err := a.LoadPhones(ctx); err != nil {
		t.Fatal(err)
	}
	is := func(user, password string) {
		t.Helper()
		for _, algorithm := range []string{sip.MD5, sip.SHA256} {
			if got, ok := a.HA1(user, algorithm); ok != (password != "") || ok && got != sip.HA1(algorithm, user, password) {
				t.Errorf("%s of %s: %q, %v", algorithm, user, got, ok)
			}
		}
	}
	is("alice", "demo") // of the demo
	is("carol", "")
	if _, err := a.AddUser(ctx, "ada", User{User: "carol", Role: contact.RoleAgent}, "a long enough one"); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"alice", "nobody"} {
		if _, err := a.SetPhonePassword(ctx, "ada", user, "another long one"); err == nil {
			t.Errorf("%s has a telephone now", user)
		}
	}
	if _, err := a.SetPhonePassword(ctx, "ada", "carol", "short"); contact.ErrorCode(err) != contact.Invalid {
		t.Errorf("a short password: %v", err)
	}
	u, err := a.SetPhonePassword(ctx, "ada", "carol", "of her telephone")
	if err != nil || !u.Phone {
		t.Fatalf("%+v, %v", u, err)
	}
	is("carol", "of her telephone")
	for _, off := range []bool{true, false} {
		if _, err := a.ChangeUser(ctx, "ada", "carol", UserChange{Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		want := "of her telephone"
		if off {
			want = "" // who is disabled cannot register either
		}
		is("carol", want)
	}
	if _, err := a.SetPhonePassword(ctx, "ada", "carol", ""); err != nil {
		t.Fatal(err)
	}
	is("carol", "")
	if len(changed) != 4 {
		t.Errorf("told of %v", changed)
	}
}
