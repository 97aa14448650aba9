package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/recordings"
)

// remote is a running server.
type remote struct {
	base   string
	token  string
	client *http.Client
}

// newRemote returns the server at base, whose certificate is checked by check, where
// that is not nil. own: it runs on this machine, and no proxy leads to it.
func newRemote(base, token string, check *tls.Config, own bool) (*remote, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, usagef("%q is not the address of a server; write one like http://localhost:8080", base)
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	if check != nil {
		t.TLSClientConfig = check
	}
	if own {
		t.Proxy = nil
	}
	return &remote{base: strings.TrimSuffix(base, "/"), token: token, client: &http.Client{Transport: t}}, nil
}

func (r *remote) Close() error {
	r.client.CloseIdleConnections()
	return nil
}

// alive says whether a server answers there.
func (r *remote) alive(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	res, err := r.send(ctx, http.MethodGet, "/healthz", nil)
	if err != nil {
		return false
	}
	discard(res.Body)
	return res.StatusCode == http.StatusOK
}

func (r *remote) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, reader)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return r.client.Do(req)
}

// ask sends one request and decodes the answer into out (nil: none).
func (r *remote) ask(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute) // verifying an hour of sound takes a while
	defer cancel()
	res, err := r.send(ctx, method, path, in)
	if err != nil {
		return fmt.Errorf("ask the server %s: %w", r.base, err)
	}
	defer discard(res.Body)
	if err := failure(r.base, res); err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("read the answer of the server %s: %w", r.base, err)
	}
	return nil
}

// failure turns an answer that is no success into an error.
func failure(base string, res *http.Response) error {
	if res.StatusCode < 300 {
		return nil
	}
	var e api.Error
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&e); err != nil || e.Message == "" {
		return fmt.Errorf("the server %s answered %s", base, res.Status)
	}
	return contact.Errorf(e.Code, "%s", e.Message)
}

func discard(body io.ReadCloser) {
	_, _ = io.Copy(io.Discard, io.LimitReader(body, 64<<10)) // so that the connection can be used again
	_ = body.Close()
}

func (r *remote) calls(ctx context.Context, q call.Query) (records []call.Record, err error) {
	v := url.Values{"limit": {strconv.Itoa(q.Limit)}, "line": {string(q.Line)}, "agent": {string(q.Agent)}}
	if !q.Before.IsZero() {
		v.Set("before", contact.Time(q.Before))
	}
	err = r.ask(ctx, http.MethodGet, "/api/v1/calls?"+v.Encode(), nil, &records)
	return records, err
}

func (r *remote) call(ctx context.Context, id contact.ID) (d call.Detail, err error) {
	err = r.ask(ctx, http.MethodGet, "/api/v1/calls/"+url.PathEscape(string(id)), nil, &d)
	return d, err
}

func (r *remote) recordings(ctx context.Context, q recordings.Query) (list []recordings.Info, err error) {
	v := url.Values{"limit": {strconv.Itoa(q.Limit)}, "call": {string(q.Call)}}
	if !q.Before.IsZero() {
		v.Set("before", contact.Time(q.Before))
	}
	err = r.ask(ctx, http.MethodGet, "/api/v1/recordings?"+v.Encode(), nil, &list)
	return list, err
}

func recordingPath(id, rest string) string { return "/api/v1/recordings/" + url.PathEscape(id) + rest }

func (r *remote) recording(ctx context.Context, id string) (info recordings.Info, err error) {
	err = r.ask(ctx, http.MethodGet, recordingPath(id, ""), nil, &info)
	return info, err
}

func (r *remote) export(ctx context.Context, id string, w io.WriteSeeker) error {
	res, err := r.send(ctx, http.MethodGet, recordingPath(id, "/audio?export=true"), nil)
	if err != nil {
		return fmt.Errorf("ask the server %s: %w", r.base, err)
	}
	defer discard(res.Body)
	if err := failure(r.base, res); err != nil {
		return err
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("read recording %s from the server %s: %w", id, r.base, err)
	}
	return nil
}

func (r *remote) verify(ctx context.Context, id string) (report recordings.Report, err error) {
	err = r.ask(ctx, http.MethodPost, recordingPath(id, "/verify"), nil, &report)
	return report, err
}

func (r *remote) hold(ctx context.Context, id string, on bool, why string) error {
	return r.ask(ctx, http.MethodPost, recordingPath(id, "/hold"), map[string]any{"on": on, "why": why}, nil)
}

func (r *remote) erase(ctx context.Context, id, why string) error {
	return r.ask(ctx, http.MethodPost, recordingPath(id, "/erase"), map[string]any{"why": why}, nil)
}

func (r *remote) users(ctx context.Context) (users []api.User, err error) {
	err = r.ask(ctx, http.MethodGet, "/api/v1/users", nil, &users)
	return users, err
}

func (r *remote) addUser(ctx context.Context, n api.NewUser) (u api.User, err error) {
	err = r.ask(ctx, http.MethodPost, "/api/v1/users", n, &u)
	return u, err
}

func (r *remote) changeUser(ctx context.Context, user string, c api.UserChange) (u api.User, err error) {
	err = r.ask(ctx, http.MethodPatch, "/api/v1/users/"+url.PathEscape(user), c, &u)
	return u, err
}

func (r *remote) setPhone(ctx context.Context, user, password string) (u api.User, err error) {
	path := "/api/v1/users/" + url.PathEscape(user) + "/phone"
	if password == "" {
		err = r.ask(ctx, http.MethodDelete, path, nil, &u)
	} else {
		err = r.ask(ctx, http.MethodPut, path, api.PhonePassword{Password: password}, &u)
	}
	return u, err
}
