package outbound

import (
	"testing"
	"time"
)

// TestRedirect: a call may be sent on by a 3xx where it might have been made anew: by
// the rules, the lists, the stops and the budget.
func TestRedirect(t *testing.T) {
	const mobile, london = "13812345678", "+442079460018"
	c := house()
	c.Rules[0].Purposes = append(c.Rules[0].Purposes, string(Redirect))
	c.SpendPerDay, c.MaxCalls = 1, 1
	for _, tt := range []struct {
		name, to string
		change   func(*Book, *Request)
		why      Why
	}{
		{"at home", mobile, nil, ""},
		{"elsewhere", "+4930123456", nil, WhyCountry},
		{"beyond the budget", london, nil, WhySpend},
		{"listed", mobile, func(_ *Book, r *Request) { r.Listed = true }, WhyListed},
		{"stopped", mobile, func(b *Book, _ *Request) { b.Stop(monday, "ada", "why") }, WhyStopped},
		{"blocked meanwhile", mobile, func(b *Book, r *Request) { b.blocked[r.subject()] = monday.Add(time.Hour) }, WhyBlocked},
	} {
		b := NewBook(c, nil)
		e, err := ask(b, monday, mobile, nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := c.Parse(tt.to)
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Number: n, Line: "1000", Purpose: Redirect, By: "alice"}
		if tt.change != nil {
			tt.change(b, &r)
		}
		err = b.Redirect(monday, e.ID, r)
		if whyOf(err) != tt.why || (err != nil) != (tt.why != "") {
			t.Errorf("%s: %v; want %q", tt.name, err, tt.why)
		}
		if _, out := b.Ended(monday, e.ID); !out {
			t.Errorf("%s: the call is not out any more", tt.name)
		}
	}
	if err := NewBook(c, nil).Redirect(monday, "gone", Request{}); whyOf(err) != WhyStopped {
		t.Errorf("a call that is over: %v", err)
	}
}
