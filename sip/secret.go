package sip

import (
	"fmt"
	"os"
	"strings"
)

// secret is where a password stands: in a variable or in a file, never in the
// configuration.
type secret struct{ env, file string }

// none says that no place is given.
func (s secret) none() bool { return s == secret{} }

// validate looks at the place; prefix stands before the names of its fields.
func (s secret) validate(bad func(field, format string, args ...any), prefix string) {
	if s.env != "" && s.file != "" {
		bad(prefix+"password_env", "the password stands in a file too; keep one of the two")
	}
	if _, err := s.password(); err != nil {
		field := "password_env"
		if s.file != "" {
			field = "password_file"
		}
		bad(prefix+field, "%w", err)
	}
}

// password reads the password from where it stands; "" if that is nowhere.
func (s secret) password() (string, error) {
	switch {
	case s.env != "":
		if v := os.Getenv(s.env); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("the variable %s is empty; put the trunk's password into it", s.env)
	case s.file != "":
		b, err := os.ReadFile(s.file)
		if err != nil {
			return "", fmt.Errorf("read the trunk's password: %w", err)
		}
		if len(b) > 1024 {
			return "", fmt.Errorf("%s has %d octets; a password has at most 1024", s.file, len(b))
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	return "", nil
}
