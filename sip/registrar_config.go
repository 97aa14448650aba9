package sip

import (
	"slices"
	"time"
)

// RegistrarConfig says how telephones register.
type RegistrarConfig struct {
	// Algorithms are offered in this order (RFC 8760): MD5, SHA-256. Many phones
	// look at the first alone, and some give up at one that they do not know
	// (baresip 1.0), so the default is MD5.
	Algorithms []string `yaml:"algorithms"`
	// MinExpires and MaxExpires bound how long a registration lasts; a shorter
	// wish gets 423, a longer one the most.
	MinExpires time.Duration `yaml:"min_expires"`
	MaxExpires time.Duration `yaml:"max_expires"`
	// MaxContacts is how many phones one user may have; a further one takes the
	// place of the one registered longest ago.
	MaxContacts int `yaml:"max_contacts"`
	// NonceLife is how long a challenge may be used.
	NonceLife time.Duration `yaml:"nonce_life"`
	// Keepalive is how often a registered phone is asked whether it is there
	// (OPTIONS), which also keeps the way through its NAT open; after three
	// questions without an answer its registration is over. 0: never.
	Keepalive time.Duration `yaml:"keepalive"`
}

// DefaultRegistrarConfig returns the defaults of callfloor.example.yaml.
func DefaultRegistrarConfig() RegistrarConfig {
	return RegistrarConfig{
		Algorithms:  []string{MD5},
		MinExpires:  time.Minute,
		MaxExpires:  time.Hour,
		MaxContacts: 5,
		NonceLife:   5 * time.Minute,
		Keepalive:   30 * time.Second,
	}
}

func validateAlgorithms(bad func(format string, args ...any), key string, list []string) {
	if len(list) == 0 {
		bad("%s: there is none; write MD5, SHA-256, or one of them", key)
	}
	for i, a := range list {
		if a != MD5 && a != SHA256 || slices.Contains(list[:i], a) {
			bad("%s: %q is not known or there twice; write MD5, SHA-256, or one of them", key, a)
		}
	}
}

func (c RegistrarConfig) validate(bad func(format string, args ...any)) {
	validateAlgorithms(bad, "sip.registrar.algorithms", c.Algorithms)
	if c.MinExpires < time.Second || c.MaxExpires < c.MinExpires || c.MaxExpires > 24*time.Hour {
		bad("sip.registrar.max_expires: %s; it must be between min_expires (%s, at least 1s) and 24h", c.MaxExpires, c.MinExpires)
	}
	if c.MaxContacts < 1 || c.MaxContacts > 20 {
		bad("sip.registrar.max_contacts: %d; it must be between 1 and 20", c.MaxContacts)
	}
	if c.NonceLife < 10*time.Second {
		bad("sip.registrar.nonce_life: %s; it must be 10s or more", c.NonceLife)
	}
	if c.Keepalive < 0 || c.Keepalive > 0 && c.Keepalive < 5*time.Second {
		bad("sip.registrar.keepalive: %s; it must be 0s (never) or 5s and more", c.Keepalive)
	}
}
