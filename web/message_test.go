package web

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callfloor/contact"
)

func TestDecode(t *testing.T) {
	long := strings.Repeat("x", maxFrame)
	for name, c := range map[string]struct {
		frame string
		want  string // in the error; "" for none
	}{
		"hello":               {`{"type":"hello","tab":"t"}`, ""},
		"a newer page":        {`{"type":"ping","id":1,"colour":"red"}`, ""},
		"end of candidates":   {`{"type":"candidate","peer":1,"candidate":""}`, ""},
		"no JSON":             {`hello`, "JSON"},
		"no object":           {`[1,2]`, "JSON"},
		"null":                {`null`, "message type"},
		"no type":             {`{}`, "message type"},
		"type of the server":  {`{"type":"snapshot"}`, "message type"},
		"type a number":       {`{"type":1}`, "JSON"},
		"no UTF-8":            {"{\"type\":\"ping\",\"id\":1,\"x\":\"\xff\"}", "UTF-8"},
		"hello without tab":   {`{"type":"hello"}`, "tab"},
		"hello, long tab":     {`{"type":"hello","tab":"` + long + `"}`, "tab"},
		"hello, long token":   {`{"type":"hello","tab":"t","token":"` + long + `"}`, "token"},
		"negative seq":        {`{"type":"hello","tab":"t","seq":-1}`, "wrong type"},
		"offer without SDP":   {`{"type":"offer","peer":1}`, "sdp"},
		"offer of a number":   {`{"type":"offer","sdp":1}`, "wrong type"},
		"long candidate":      {`{"type":"candidate","candidate":"` + long + `"}`, "candidate"},
		"line index too high": {`{"type":"candidate","candidate":"","sdpMLineIndex":70000}`, "wrong type"},
		"other microphone":    {`{"type":"media","microphone":"great"}`, "microphone"},
		"long note":           {`{"type":"do","req":1,"do":"wrapup_note","note":"` + long + `"}`, "note"},
		"deep":                {strings.Repeat(`{"type":`, 9000), "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := decode([]byte(c.frame))
			switch {
			case c.want == "" && (err != nil || m == nil):
				t.Errorf("got %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want an error with %q", err, c.want)
			case c.want != "" && contact.ErrorCode(err) != contact.Invalid:
				t.Errorf("code %s", contact.ErrorCode(err))
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/protocol/*.json")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := decode(frame)
		if (m == nil) == (err == nil) {
			t.Fatalf("message %v with error %v", m, err)
		}
		if err != nil {
			if contact.ErrorCode(err) != contact.Invalid || len(err.Error()) > 300 {
				t.Fatalf("error %q", err)
			}
			return
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := m.(*Command); ok {
			_ = checkCommand(contact.RoleAgent, c)
		}
		if _, err := decode(again); err != nil {
			t.Fatalf("what was accepted is refused when it is sent again: %v", err)
		}
	})
}

// Each role with each verb.
func TestCheckCommand(t *testing.T) {
	agents := []Verb{DoState, DoHand, DoAnswer, DoDecline, DoHold, DoMute, DoHangup, DoWrapUpExtend, DoWrapUpNote, DoWrapUpDone, DoConsult, DoTransfer, DoSwap, DoMerge, DoDrop, DoPark, DoPickUp, DoRecPause, DoWaiting}
	supervisors := []Verb{DoListen, DoWhisper, DoBarge, DoTakeOver, DoUnlisten, DoForce, DoMove, DoPriority, DoTearDown, DoQueue}
	for _, role := range []contact.Role{contact.RoleAgent, contact.RoleSupervisor, contact.RoleAdmin, ""} {
		for _, v := range agents {
			if err := checkCommand(role, &Command{Do: v}); err != nil {
				t.Errorf("%s %s: %v", role, v, err)
			}
		}
		for _, v := range supervisors {
			err := checkCommand(role, &Command{Do: v})
			if may := role == contact.RoleSupervisor || role == contact.RoleAdmin; may != (err == nil) {
				t.Errorf("%s %s: %v", role, v, err)
			}
		}
	}
	for digit, ok := range map[string]bool{"5": true, "#": true, "D": true, "": false, "12": false, "x": false, "五": false} {
		if err := checkCommand(contact.RoleAgent, &Command{Do: DoDigit, Digit: digit}); ok != (err == nil) {
			t.Errorf("digit %q: %v", digit, err)
		}
	}
	if err := checkCommand(contact.RoleAdmin, &Command{Do: "explode"}); contact.ErrorCode(err) != contact.Invalid {
		t.Errorf("an unknown verb: %v", err)
	}
	if err := checkCommand(contact.RoleAdmin, &Command{Do: DoAnswer, Contact: "../../etc/passwd"}); contact.ErrorCode(err) != contact.Invalid {
		t.Errorf("a path for a contact: %v", err)
	}
}
