package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// token signs one of the demo's people in.
func (s *server) token(user string) string {
	s.t.Helper()
	body, _ := json.Marshal(map[string]string{"user": user, "password": "demo"})
	resp, err := http.Post(s.http+"/api/v1/session", "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var session struct {
		Token string `json:"token"`
		Role  string `json:"role"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&session); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("sign in as %s: %s, %v", user, resp.Status, err)
	}
	return session.Token
}

// get asks the API as a person and returns status and body.
func (s *server) get(user, path string) (int, []byte) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.http+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token(user))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, b
}

// audited checks that an entry stands in the audit log.
func (s *server) audited(who, action, target string) {
	s.t.Helper()
	status, body := s.get("ada", "/api/v1/audit?limit=100")
	var entries []struct {
		Who, Action, Target string
	}
	if err := json.Unmarshal(body, &entries); err != nil || status != http.StatusOK {
		s.t.Fatalf("read the audit log: %d %s", status, body)
	}
	for _, e := range entries {
		if e.Who == who && e.Action == action && e.Target == target {
			return
		}
	}
	s.t.Errorf("the audit log has no %s", fmt.Sprintf("%s %s %s: %+v", who, action, target, entries))
}
