package api

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"callfloor/contact"
	"callfloor/recordings"
)

// Recordings are the recordings as this package needs them; recordings.Store
// has them. Every method returns contact.NotFound for an unknown ID.
type Recordings interface {
	RecordingReader
	RecordingKeeper
}

// RecordingReader finds recordings and plays them.
type RecordingReader interface {
	// List returns the recordings that q chooses, newest first.
	List(ctx context.Context, q recordings.Query) ([]recordings.Info, error)
	Get(ctx context.Context, id string) (recordings.Info, error)
	// Audio returns the recording as a stereo WAV file.
	Audio(ctx context.Context, id string) (io.ReadSeeker, error)
	// Peaks returns the outline of the sound in n steps.
	Peaks(ctx context.Context, id string, n int) (recordings.Peaks, error)
}

// RecordingKeeper proves, keeps and erases recordings.
type RecordingKeeper interface {
	Verify(ctx context.Context, id string) (recordings.Report, error)
	Hold(ctx context.Context, id, by, why string) error
	Release(ctx context.Context, id, by, why string) error
	Erase(ctx context.Context, id, by, why string) error
}

type recordingsInput struct {
	Limit  int       `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	Call   string    `query:"call" maxLength:"64" doc:"only those of this call"`
	Before time.Time `query:"before" doc:"only recordings that began before"`
}

// RecordingPath is the recording that a path names; huma reads it where it is
// embedded, so it is exported.
type RecordingPath struct {
	ID string `path:"id" maxLength:"64"`
}

type audioInput struct {
	RecordingPath
	Export bool `query:"export" doc:"as a file to keep; told apart in the audit log"`
}

type peaksInput struct {
	RecordingPath
	N int `query:"n" default:"1000" minimum:"10" maximum:"10000"`
}

type holdInput struct {
	RecordingPath
	Body struct {
		On  bool   `json:"on"`
		Why string `json:"why" maxLength:"500"`
	}
}

type eraseInput struct {
	RecordingPath
	Body struct {
		Why string `json:"why" minLength:"1" maxLength:"500"`
	}
}

func (s *Server) recordingRoutes(h huma.API) {
	rec := s.opts.Recordings
	const one = "/api/v1/recordings/{id}"
	register(s, h, operation{id: "list-recordings", method: http.MethodGet, path: "/api/v1/recordings", summary: "Recordings, newest first", access: accessSupervisor},
		func(ctx context.Context, in *recordingsInput) (*body[[]recordings.Info], error) {
			list, err := rec.List(ctx, recordings.Query{Limit: in.Limit, Call: contact.ID(in.Call), Before: in.Before})
			if list == nil {
				list = []recordings.Info{}
			}
			return &body[[]recordings.Info]{list}, err
		})
	register(s, h, operation{id: "get-recording", method: http.MethodGet, path: one, summary: "One recording", access: accessSupervisor},
		func(ctx context.Context, in *RecordingPath) (*body[recordings.Info], error) {
			info, err := rec.Get(ctx, in.ID)
			return &body[recordings.Info]{info}, err
		})
	register(s, h, operation{id: "recording-audio", method: http.MethodGet, path: one + "/audio", summary: "The sound as WAV: left customer, right agent; ranges are served", access: accessSupervisor}, s.recordingAudio)
	register(s, h, operation{id: "recording-peaks", method: http.MethodGet, path: one + "/peaks", summary: "The outline of the sound, for drawing", access: accessSupervisor},
		func(ctx context.Context, in *peaksInput) (*body[recordings.Peaks], error) {
			p, err := rec.Peaks(ctx, in.ID, in.N)
			return &body[recordings.Peaks]{p}, err
		})
	register(s, h, operation{id: "verify-recording", method: http.MethodPost, path: one + "/verify", summary: "Prove that it is as it was made", access: accessSupervisor}, s.verifyRecording)
	register(s, h, operation{id: "hold-recording", method: http.MethodPost, path: one + "/hold", summary: "Legal hold on or off", access: accessSupervisor}, s.holdRecording)
	register(s, h, operation{id: "erase-recording", method: http.MethodPost, path: one + "/erase", summary: "Erase the sound for good", access: accessSupervisor}, s.eraseRecording)
}

func (s *Server) recordingAudio(ctx context.Context, in *audioInput) (*huma.StreamResponse, error) {
	info, err := s.opts.Recordings.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.auditPlay(ctx, info, in.Export); err != nil {
		return nil, err
	}
	audio, err := s.opts.Recordings.Audio(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		if closer, ok := audio.(io.Closer); ok {
			defer closer.Close() //nolint:errcheck // it was only read
		}
		r, w := humago.Unwrap(c)
		// A slow line may take long for an hour of sound; the connection's own
		// limit is for short answers.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour))
		w.Header().Set("Content-Type", "audio/wav")
		if in.Export {
			w.Header().Set("Content-Disposition", `attachment; filename="`+info.ID+`.wav"`)
		}
		http.ServeContent(w, r, "", time.Time{}, audio)
	}}, nil
}

// auditPlay puts a play-back or an export into the audit log before the first
// octet goes out. A player asks for many ranges; they are one play-back.
func (s *Server) auditPlay(ctx context.Context, info recordings.Info, export bool) error {
	who := identityIn(ctx).User
	action := ActionRecordingPlay
	if export {
		action = ActionRecordingExport
	}
	key := playKey{who: who, recording: info.ID, action: action}
	if !export && s.plays.again(key, time.Now()) {
		return nil
	}
	if err := s.audit.Record(ctx, Entry{Who: who, Action: action, Target: info.ID, Details: map[string]any{"call": info.Call}}); err != nil {
		return err
	}
	s.plays.note(key, time.Now())
	return nil
}

func (s *Server) verifyRecording(ctx context.Context, in *RecordingPath) (*body[recordings.Report], error) {
	report, err := s.opts.Recordings.Verify(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	err = s.audit.Record(ctx, Entry{Who: identityIn(ctx).User, Action: ActionRecordingVerify, Target: in.ID, Details: map[string]any{"ok": report.OK}})
	return &body[recordings.Report]{report}, err
}

func (s *Server) holdRecording(ctx context.Context, in *holdInput) (*body[recordings.Info], error) {
	who := identityIn(ctx).User
	set := s.opts.Recordings.Release
	if in.Body.On {
		set = s.opts.Recordings.Hold
	}
	entry := Entry{Who: who, Action: ActionRecordingHold, Target: in.ID, Details: map[string]any{"on": in.Body.On, "why": in.Body.Why}}
	return s.act(ctx, in.ID, entry, func() error { return set(ctx, in.ID, who, in.Body.Why) })
}

func (s *Server) eraseRecording(ctx context.Context, in *eraseInput) (*body[recordings.Info], error) {
	who := identityIn(ctx).User
	entry := Entry{Who: who, Action: ActionRecordingErase, Target: in.ID, Details: map[string]any{"why": in.Body.Why}}
	return s.act(ctx, in.ID, entry, func() error { return s.opts.Recordings.Erase(ctx, in.ID, who, in.Body.Why) })
}

// act records that somebody is about to change a recording, and then does it.
func (s *Server) act(ctx context.Context, id string, e Entry, do func() error) (*body[recordings.Info], error) {
	if _, err := s.opts.Recordings.Get(ctx, id); err != nil {
		return nil, err
	}
	if err := s.audit.Record(ctx, e); err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	info, err := s.opts.Recordings.Get(ctx, id)
	return &body[recordings.Info]{info}, err
}

// onePlay is how long the ranges of one play-back count as one.
const onePlay = 10 * time.Minute

// maxPlays bounds the memory of a playLog; past it, play-backs are recorded
// once more than need be.
const maxPlays = 1000

type playKey struct {
	who, recording string
	action         Action
}

// playLog remembers which play-backs were recorded lately.
type playLog struct {
	mu   sync.Mutex
	seen map[playKey]time.Time
}

func newPlayLog() *playLog { return &playLog{seen: map[playKey]time.Time{}} }

func (p *playLog) again(k playKey, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.seen[k]
	return ok && now.Sub(at) < onePlay
}

func (p *playLog) note(k playKey, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) >= maxPlays {
		clear(p.seen)
	}
	p.seen[k] = now
}
