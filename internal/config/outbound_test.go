package config

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"callfloor/outbound"
)

// TestWayOutErrors: what is wrong with trunks and rules is told with its place.
func TestWayOutErrors(t *testing.T) {
	body := `trunks:
  - id: one
    hosts: [sip.example.com, "a b"]
    register: true
  - id: one
    hosts: [192.0.2.1]
    transport: sctp
    line: "7777"
outbound:
  region: China
  spend_per_day: much
  rules:
    - lines: ["1000"]
      purposes: [seat, fun]
      countries: [CN, cn]
      hours: ["mon 9-17"]
      trunks: nowhere
lines:
  - id: "1000"
    flow: full
    caller_id: nobody
`
	for _, want := range []string{
		"3:30: trunks[0].hosts[1]: \"a b\" is no host",
		"2:7: trunks[0].user: a trunk that is registered with needs a user",
		"5:5: trunks[1].id: there is a trunk \"one\" already",
		"7:5: trunks[1].transport: \"sctp\" is not known",
		"8:5: trunks[1].line: there is no line \"7777\"",
		"10:3: outbound.region: \"China\" is no country",
		"11:18: outbound.spend_per_day: \"much\" is not a number",
		"14:24: outbound.rules[0].purposes[1]: \"fun\" is not known",
		"15:23: outbound.rules[0].countries[1]: \"cn\" is no country",
		"16:15: outbound.rules[0].hours[0]: \"mon 9-17\" does not fit",
		"17:7: outbound.rules[0].trunks: there is no trunk in the group \"nowhere\"",
		"21:5: lines[0].caller_id: \"nobody\" is no number",
	} {
		text := body
		if !strings.Contains(want, "spend_per_day") && !strings.Contains(want, "hours") { // these two are found before the rest is looked at
			text = strings.NewReplacer("much", "10", "mon 9-17", "mon 09:00-17:00").Replace(body)
		}
		_, err := Load(Source{File: write(t, text)})
		if err == nil || !strings.Contains(err.Error(), "callfloor.yaml:"+want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
}

// TestTrunksPage keeps docs/trunks.md true: its examples load, and it names the
// purposes and the caps with their defaults.
func TestTrunksPage(t *testing.T) {
	t.Setenv("BRANCH_PASSWORD", "of the example")
	body, err := os.ReadFile("../../docs/trunks.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(body), "```")
	examples := 0
	for i := 1; i < len(parts); i += 2 {
		if example, ok := strings.CutPrefix(parts[i], "yaml\n"); ok {
			examples++
			if _, err := Load(Source{File: write(t, example)}); err != nil {
				t.Errorf("an example does not load: %v\n%s", err, example)
			}
		}
	}
	if examples == 0 {
		t.Error("there is no example")
	}
	for _, p := range outbound.Purposes() {
		if !strings.Contains(string(body), "`"+string(p)+"`") {
			t.Errorf("the page does not name the purpose %s", p)
		}
	}
	d := outbound.DefaultConfig()
	for _, cap := range []string{
		fmt.Sprintf("`max_calls` %d", d.MaxCalls), fmt.Sprintf("`calls_per_contact` %d", d.CallsPerContact), fmt.Sprintf("`calls_per_hour` %d", d.CallsPerHour),
		fmt.Sprintf("`spend_per_day` %v", d.SpendPerDay), fmt.Sprintf("`house_calls_per_hour` %d", d.HouseCallsPerHour),
		fmt.Sprintf("`house_spend_per_day` %v", d.HouseSpendPerDay), fmt.Sprintf("`refusals_alarm` %d", d.RefusalsAlarm),
	} {
		if !strings.Contains(string(body), cap) {
			t.Errorf("the page does not say %s", cap)
		}
	}
}

// TestLoginsOfTrunks: a login that nobody would ask for, that two trunks share or
// that has no password is refused with its place.
func TestLoginsOfTrunks(t *testing.T) {
	t.Setenv("CALLFLOOR_TEST_PBX", "s3cret")
	body := `trunks:
  - id: one
    hosts: [192.0.2.1]
    from: [192.0.2.0/24]
    login:
      user: pbx
      password_env: CALLFLOOR_TEST_PBX
  - id: two
    hosts: [192.0.2.1]
    login:
      user: pbx
      password_env: CALLFLOOR_TEST_PBX
  - id: three
    hosts: [192.0.2.1]
    from: [192.0.2.9]
    login:
      user: nobody
`
	_, err := Load(Source{File: write(t, body)})
	for _, want := range []string{
		`11:7: trunks[1].login.user: "pbx" is the login of trunk one;`, "11:7: trunks[1].login.user: nobody would ask for it",
		"trunks[2].login.password_env: the password is missing",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	good, _, _ := strings.Cut(body, "  - id: two")
	if _, err := Load(Source{File: write(t, good)}); err != nil {
		t.Error(err)
	}
}
