package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"callfloor/api"
	"callfloor/contact"
)

type userCmd struct {
	Add    userAddCmd    `cmd:"" help:"Add a user."`
	Passwd userPasswdCmd `cmd:"" help:"Give a user a new one-time password."`
	Phone  userPhoneCmd  `cmd:"" help:"Give a user's SIP telephones a password to register with."`
	List   userListCmd   `cmd:"" help:"List the users."`
}

type userAddCmd struct {
	where
	User     string `arg:"" help:"The name to sign in with."`
	Role     string `help:"What the user may do: ${enum}." enum:"agent,supervisor,admin" default:"agent"`
	Name     string `help:"The name that others see; the user name if not given."`
	Password string `help:"The password; without it a one-time password is made and printed." env:"CALLFLOOR_PASSWORD"`
	Settled  bool   `help:"The password is the user's own and need not be changed at the first sign-in."`
	JSON     bool   `help:"Print JSON."`
}

// newPassword is what add and passwd print of a password that they made.
type newPassword struct {
	api.User
	Password string `json:"password,omitempty"`
}

// Run adds a user.
func (c *userAddCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // what was done is on disk
	made := ""
	if c.Password == "" {
		made = oneTimePassword()
		c.Password = made
	}
	u, err := h.addUser(ctx, api.NewUser{User: c.User, Name: c.Name, Role: contact.Role(c.Role), Password: c.Password, Settled: c.Settled && made == ""})
	if err != nil {
		return err
	}
	return printUser(t, c.JSON, newPassword{User: u, Password: made}, "Added")
}

type userPasswdCmd struct {
	where
	User     string `arg:"" help:"The user."`
	Password string `help:"The one-time password; without it one is made and printed." env:"CALLFLOOR_PASSWORD"`
	JSON     bool   `help:"Print JSON."`
}

// Run sets a one-time password and ends the user's sessions.
func (c *userPasswdCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // what was done is on disk
	made := ""
	if c.Password == "" {
		made = oneTimePassword()
		c.Password = made
	}
	u, err := h.changeUser(ctx, c.User, api.UserChange{Password: &c.Password})
	if err != nil {
		return err
	}
	return printUser(t, c.JSON, newPassword{User: u, Password: made}, "New password for")
}

func printUser(t terminal, asJSON bool, p newPassword, what string) error {
	if asJSON {
		return t.printJSON(p)
	}
	t.say("%s %s (%s).", what, p.User.User, p.Role)
	if p.Password != "" {
		t.say("The password below works once and must be changed at sign-in; it is shown this one time.")
		fmt.Fprintln(t.out, p.Password)
	}
	return nil
}

// oneTimePassword has 130 random bits (crypto/rand.Text).
func oneTimePassword() string { return rand.Text() }

type userListCmd struct {
	where
	JSON bool `help:"Print JSON."`
}

// Run lists the users.
func (c *userListCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	users, err := h.users(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return t.printJSON(users)
	}
	rows := make([][]string, 0, len(users))
	for _, u := range users {
		rows = append(rows, []string{u.User, u.Name, string(u.Role), state(u)})
	}
	return table(t.out, []string{"USER", "NAME", "ROLE", "STATE"}, rows)
}

func state(u api.User) string {
	switch {
	case u.Disabled:
		return "disabled"
	case u.Demo:
		return "demo"
	case u.MustChangePassword:
		return "must change password"
	default:
		return "active"
	}
}
