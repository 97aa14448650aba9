package main

import (
	"context"
	"fmt"
)

type userPhoneCmd struct {
	where
	User     string `arg:"" help:"The user; telephones register under this name."`
	Password string `help:"The password; without it one is made and printed." env:"CALLFLOOR_PASSWORD" xor:"what"`
	Remove   bool   `help:"Let the user's telephones register no more." xor:"what"`
	JSON     bool   `help:"Print JSON."`
}

// Run sets or takes away the password of a user's telephones.
func (c *userPhoneCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // what was done is on disk
	made := ""
	if c.Password == "" && !c.Remove {
		made = oneTimePassword()
		c.Password = made
	}
	u, err := h.setPhone(ctx, c.User, c.Password)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return t.printJSON(newPassword{User: u, Password: made})
	case c.Remove:
		t.say("The telephones of %s may register no more.", u.User)
	default:
		t.say("Telephones of %s register as %s with this password; the realm is callfloor.", u.User, u.User)
	}
	if made != "" {
		fmt.Fprintln(t.out, made)
	}
	return nil
}
