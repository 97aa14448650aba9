package config

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"callfloor/acd"
)

// TestQueuesPage keeps docs/queues.md true: its examples load, and it names
// every strategy and every setting of routing's own with its default.
func TestQueuesPage(t *testing.T) {
	body, err := os.ReadFile("../../docs/queues.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(body), "```")
	examples := 0
	for i := 1; i < len(parts); i += 2 {
		example, ok := strings.CutPrefix(parts[i], "yaml\n")
		if !ok {
			continue
		}
		examples++
		if !strings.Contains(example, "lines:") { // the built-in line's flow names both queues
			if _, err := Load(Source{File: write(t, example)}); err != nil {
				t.Errorf("an example does not load: %v\n%s", err, example)
			}
		}
	}
	if examples < 3 {
		t.Errorf("only %d examples were found", examples)
	}
	for _, s := range acd.Strategies() {
		if !strings.Contains(string(body), "| `"+string(s)+"`") {
			t.Errorf("the page does not explain %s", s)
		}
	}
	for _, row := range []string{
		"`priority_worth` | 5m |", "`vip`, `vip_priority` | [], 3 |", "`last_agent`, `last_agent_wait` | 7d, 20s |", "`redial` | 2m |",
		"`short_abandon` | 5s |", "`surge_percent` | 300 |", "`missed_alert` | 2 |", "`service_level` | 20s |", "`same_agent` | 2m |",
	} {
		if !strings.Contains(string(body), row) {
			t.Errorf("the table of defaults does not have: %s", row)
		}
	}
	for _, key := range keysOfQueues() {
		if key != "id" && key != "name" && !strings.Contains(string(body), key) {
			t.Errorf("the page does not name the queue setting %s", key)
		}
	}
}

func keysOfQueues() []string { return keysOf(reflect.TypeFor[acd.QueueConfig]()) }
