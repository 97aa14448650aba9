package web

import (
	"strings"
	"testing"
)

func TestConfigValidate(t *testing.T) {
	good := DefaultConfig()
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // in the error; "" for none
	}{
		"default":         {func(*Config) {}, ""},
		"loopback":        {func(c *Config) { c.Listen = "127.0.0.1:8090" }, ""},
		"IPv6":            {func(c *Config) { c.Listen = "[::1]:0" }, ""},
		"no port":         {func(c *Config) { c.Listen = "127.0.0.1" }, ":8090"},
		"host name":       {func(c *Config) { c.Listen = "localhost:8090" }, "127.0.0.1:8090"},
		"port too high":   {func(c *Config) { c.Listen = ":80900" }, "65535"},
		"external":        {func(c *Config) { c.External = "203.0.113.7" }, ""},
		"external a name": {func(c *Config) { c.External = "desk.example" }, "203.0.113.7"},
		"no tabs":         {func(c *Config) { c.MaxTabs = 0 }, "max_tabs"},
		"slow":            {func(c *Config) { c.MessagesPerSecond = 1 }, "messages_per_second"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			c.change(&cfg)
			err := cfg.Validate()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
