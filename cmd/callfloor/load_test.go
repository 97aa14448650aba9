package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"callfloor/phone"
)

func TestWhoSitsAtTheSeatsOfALoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte("# agents "+strings.Repeat("x", 70000)+"\nanna  secret one\n\nben two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("anna\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		seats int
		users string
		want  []phone.SeatUser
		err   string
	}{
		{1, "", []phone.SeatUser{{User: "alice", Password: "demo"}}, ""},
		{2, file, []phone.SeatUser{{User: "anna", Password: "secret one"}, {User: "ben", Password: "two"}}, ""},
		{3, "", nil, "the demo has 2 agents"},
		{3, file, nil, "has 2 agents"},
		{1, bad, nil, "anna has no password"},
	} {
		got, err := (&loadCmd{Seats: c.seats, Users: c.users}).seatUsers()
		if !slices.Equal(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%d of %q: %v, %v", c.seats, c.users, got, err)
		}
	}
}
