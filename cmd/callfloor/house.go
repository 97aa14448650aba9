package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/recordings"
)

// house is what the commands look after: a running server, or the data folder
// where none runs.
type house interface {
	io.Closer
	callHouse
	recordingHouse
	userHouse
}

type callHouse interface {
	calls(ctx context.Context, q call.Query) ([]call.Record, error)
	call(ctx context.Context, id contact.ID) (call.Detail, error)
	messages(ctx context.Context, id contact.ID) ([]call.SIPMessage, error)
}

type recordingHouse interface {
	recordings(ctx context.Context, q recordings.Query) ([]recordings.Info, error)
	recording(ctx context.Context, id string) (recordings.Info, error)
	export(ctx context.Context, id string, w io.WriteSeeker) error
	verify(ctx context.Context, id string) (recordings.Report, error)
	hold(ctx context.Context, id string, on bool, why string) error
	erase(ctx context.Context, id, why string) error
}

type userHouse interface {
	users(ctx context.Context) ([]api.User, error)
	addUser(ctx context.Context, u api.NewUser) (api.User, error)
	changeUser(ctx context.Context, user string, c api.UserChange) (api.User, error)
	// setPhone gives a user's telephones a password; "" takes it away.
	setPhone(ctx context.Context, user, password string) (api.User, error)
}

// where are the flags that say which house.
type where struct {
	Data   string `help:"The data folder." default:"./callfloor-data" env:"CALLFLOOR_DATA" placeholder:"DIR"`
	Server string `help:"A running server, like http://localhost:8080; without it the one that runs on the data folder, else the folder itself." env:"CALLFLOOR_SERVER" placeholder:"URL"`
	Token  string `help:"A token of that server (a session's)." env:"CALLFLOOR_TOKEN" placeholder:"T"`
	trust
}

// open finds the house. create says that the data folder may be made.
func (w where) open(ctx context.Context, create bool) (house, error) {
	if w.Server != "" {
		if w.Token == "" {
			return nil, usagef("--server %s needs --token T (or CALLFLOOR_TOKEN): the token of a session there", w.Server)
		}
		check, err := w.config(false)
		if err != nil {
			return nil, err
		}
		return newRemote(w.Server, w.Token, check, false)
	}
	f, err := api.ReadRunFile(w.Data)
	if err == nil {
		check, err := w.config(true)
		if err != nil {
			return nil, err
		}
		r, err := newRemote(f.URL, f.Token, check, true)
		if err != nil {
			return nil, err
		}
		if r.alive(ctx) {
			return r, nil
		}
		// A server that was killed leaves its run.json behind.
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return openFolder(ctx, w.Data, create)
}

// folder is a house without a running server.
type folder struct {
	db       *store.DB
	kept     *recordings.Store
	accounts *api.Accounts
	audit    *api.Audit
}

// localUser is who acts in the audit log where there was no sign-in.
const localUser = "local"

func openFolder(ctx context.Context, dir string, create bool) (*folder, error) {
	if _, err := os.Stat(filepath.Join(dir, store.FileName)); err != nil && !create {
		return nil, fmt.Errorf("there is no data folder of Callfloor at %s: give --data DIR, or start one with callfloor serve", dir)
	}
	db, err := store.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	log := quietLog()
	kept, err := recordings.Open(ctx, dir, db, recordings.Options{Log: log})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	accounts, err := api.NewAccounts(api.AccountsOptions{Log: log, DB: db})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := accounts.LoadPhones(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &folder{db: db, kept: kept, accounts: accounts, audit: api.NewAudit(db)}, nil
}

func (f *folder) Close() error {
	return errors.Join(f.kept.Close(context.Background()), f.db.Close())
}

func (f *folder) calls(ctx context.Context, q call.Query) ([]call.Record, error) {
	return call.NewReader(f.db).List(ctx, q)
}

func (f *folder) call(ctx context.Context, id contact.ID) (call.Detail, error) {
	return call.NewReader(f.db).Show(ctx, id)
}

func (f *folder) recordings(ctx context.Context, q recordings.Query) ([]recordings.Info, error) {
	return f.kept.List(ctx, q)
}

func (f *folder) recording(ctx context.Context, id string) (recordings.Info, error) {
	return f.kept.Get(ctx, id)
}

func (f *folder) export(ctx context.Context, id string, w io.WriteSeeker) error {
	info, err := f.kept.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := f.note(ctx, api.ActionRecordingExport, id, map[string]any{"call": info.Call}); err != nil {
		return err
	}
	return f.kept.Export(ctx, id, w)
}

func (f *folder) verify(ctx context.Context, id string) (recordings.Report, error) {
	return f.kept.Verify(ctx, id)
}

func (f *folder) hold(ctx context.Context, id string, on bool, why string) error {
	if _, err := f.kept.Get(ctx, id); err != nil {
		return err
	}
	if err := f.note(ctx, api.ActionRecordingHold, id, map[string]any{"on": on, "why": why}); err != nil {
		return err
	}
	if on {
		return f.kept.Hold(ctx, id, localUser, why)
	}
	return f.kept.Release(ctx, id, localUser, why)
}

func (f *folder) erase(ctx context.Context, id, why string) error {
	if _, err := f.kept.Get(ctx, id); err != nil {
		return err
	}
	if err := f.note(ctx, api.ActionRecordingErase, id, map[string]any{"why": why}); err != nil {
		return err
	}
	return f.kept.Erase(ctx, id, localUser, why)
}

func (f *folder) note(ctx context.Context, a api.Action, target string, details map[string]any) error {
	return f.audit.Record(ctx, api.Entry{Who: localUser, Action: a, Target: target, Details: details})
}

func (f *folder) users(ctx context.Context) ([]api.User, error) { return f.accounts.Users(ctx) }

func (f *folder) addUser(ctx context.Context, n api.NewUser) (api.User, error) {
	return f.accounts.AddUser(ctx, localUser, n.AsUser(), n.Password)
}

func (f *folder) changeUser(ctx context.Context, user string, c api.UserChange) (api.User, error) {
	return f.accounts.ChangeUser(ctx, localUser, user, c)
}

func (f *folder) setPhone(ctx context.Context, user, password string) (api.User, error) {
	return f.accounts.SetPhonePassword(ctx, localUser, user, password)
}
