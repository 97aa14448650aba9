package config

import (
	"errors"
	"fmt"
	"slices"

	"callfloor/outbound"
	"callfloor/sip"
)

// login looks at what a trunk proves itself with; logins are those before it.
func (l *loader) login(key string, t sip.TrunkConfig, logins map[string]string) {
	user := t.Login.User
	if user == "" {
		return
	}
	if other, ok := logins[user]; ok {
		l.wrong(key+".login.user", "%q is the login of trunk %s; give each trunk its own", user, other)
	}
	logins[user] = t.ID
	if len(t.From) == 0 && l.cfg.SIP.Strangers != sip.StrangersChallenged {
		l.wrong(key+".login.user", "nobody would ask for it: name the networks that the trunk calls from (from), or set sip.strangers to challenge")
	}
}

// wayOut looks at trunks and rules, and at what joins them with lines.
func (l *loader) wayOut() {
	first, logins := map[string]int{}, map[string]string{}
	var groups []string
	for i, t := range l.cfg.Trunks {
		key := fmt.Sprintf("trunks[%d]", i)
		for _, e := range leaves(t.Validate()) {
			field := ""
			if f, ok := errors.AsType[*sip.FieldError](e); ok {
				field = "." + f.Field
			}
			l.wrong(key+field, "%v", e)
		}
		if j, ok := first[t.ID]; ok {
			l.wrong(key+".id", "there is a trunk %q already (%s); give each its own id", t.ID, l.where(fmt.Sprintf("trunks[%d].id", j)))
		}
		first[t.ID] = i
		l.login(key, t, logins)
		if t.Line != "" && !slices.ContainsFunc(l.cfg.Lines, func(line Line) bool { return string(line.ID) == t.Line }) {
			l.wrong(key+".line", "there is no line %q", t.Line)
		}
		group := t.Group
		if group == "" {
			group = "default"
		}
		if !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	var lines []string
	for i, line := range l.cfg.Lines {
		lines = append(lines, string(line.ID))
		if line.CallerID == "" {
			continue
		}
		if _, err := outbound.Parse(line.CallerID, l.cfg.Outbound.Region, nil, []string{"xxx", "xxxx", "xxxxx", "xxxxxx"}); err != nil {
			l.wrong(fmt.Sprintf("lines[%d].caller_id", i), "%q is no number; write it in full, like +861012345678", line.CallerID)
		}
	}
	for _, e := range leaves(l.cfg.Outbound.Validate(groups, lines)) {
		key := "outbound"
		if f, ok := errors.AsType[*outbound.FieldError](e); ok {
			key += "." + f.Field
		}
		l.wrong(key, "%v", e)
	}
}
