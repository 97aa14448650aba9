package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Prompts are the sounds of flows as this package needs them; internal/app has
// them. Unknown prompts and versions are contact.NotFound.
type Prompts interface {
	// List returns every prompt by id.
	List(ctx context.Context) ([]PromptSummary, error)
	// Audio returns the WAV file of a prompt, now or as it was.
	Audio(ctx context.Context, lang, id, version string) ([]byte, error)
	// Versions returns what was uploaded and recorded, newest first, the
	// built-in sound last.
	Versions(ctx context.Context, lang, id string) ([]PromptVersion, error)
	// Upload measures a WAV file, brings it to the loudness of the others and
	// takes it for new calls. contact.Invalid: it is broken, too long, silent
	// or clipped.
	Upload(ctx context.Context, in PromptUpload) (PromptVersion, error)
	// Delete goes back to the built-in sound or, where there is none, removes
	// the prompt; contact.Conflict: a flow plays it.
	Delete(ctx context.Context, lang, id, by string) error
	// Restore takes a version once more.
	Restore(ctx context.Context, lang, id, version, by string) (PromptVersion, error)
}

// PromptSummary is a prompt in each language.
type PromptSummary struct {
	ID     string `json:"id"`
	Number int    `json:"number" doc:"a number for people: built-in prompts by their names, own ones from 500 by their age"`
	// Languages are en, zh, or music, which has no language.
	Languages []PromptVersion `json:"languages"`
	// Missing are the languages in which nothing is there.
	Missing []string `json:"missing"`
	// Flows play it.
	Flows []string `json:"flows"`
}

// PromptVersion is one sound in one language.
type PromptVersion struct {
	Language string  `json:"language"`
	Version  string  `json:"version" doc:"of the sound"`
	Text     string  `json:"text" doc:"what is said"`
	Source   string  `json:"source" enum:"built_in,uploaded,recorded"`
	Seconds  float64 `json:"seconds"`
	// Level and Peak are those of the sound as it is played, in dBFS.
	Level   float64 `json:"level"`
	Peak    float64 `json:"peak"`
	At      *string `json:"at" doc:"when it was taken; null for a built-in sound"`
	By      string  `json:"by"`
	Current bool    `json:"current"`
}

// PromptUpload is a sound that somebody gives.
type PromptUpload struct {
	Language, ID string
	// Text is what is said in it; "" keeps the text so far.
	Text string
	WAV  []byte
	By   string
	// Recorded: by phone.
	Recorded bool
}

// PromptPath is the prompt that a path names; huma reads it where it is
// embedded, so it is exported.
type PromptPath struct {
	Language string `path:"language" enum:"en,zh,music"`
	ID       string `path:"id" pattern:"^[a-z0-9_]{1,64}$"`
}

type promptAudioInput struct {
	PromptPath
	Version string `query:"version" maxLength:"64" pattern:"^[0-9a-f]*$"`
}

type promptUploadInput struct {
	PromptPath
	Text    string `query:"text" maxLength:"2000" doc:"what is said; empty keeps the text so far"`
	RawBody []byte `contentType:"audio/wav"`
}

type promptRestoreInput struct {
	PromptPath
	Body struct {
		Version string `json:"version" minLength:"1" maxLength:"64" pattern:"^[0-9a-f]+$"`
	}
}

// maxPromptBody bounds an uploaded sound: two minutes of 48 kHz stereo.
const maxPromptBody = 24 << 20

// The actions of prompts in the audit log.
const (
	ActionPromptUpload  Action = "prompt_upload"
	ActionPromptDelete  Action = "prompt_delete"
	ActionPromptRestore Action = "prompt_restore"
)

func (s *Server) promptRoutes(h huma.API) {
	prompts := s.opts.Prompts
	if prompts == nil {
		return
	}
	const one = "/api/v1/prompts/{language}/{id}"
	register(s, h, operation{id: "list-prompts", method: http.MethodGet, path: "/api/v1/prompts", summary: "The prompts in each language, with their levels", access: accessSupervisor},
		func(ctx context.Context, _ *struct{}) (*body[[]PromptSummary], error) {
			list, err := prompts.List(ctx)
			return &body[[]PromptSummary]{list}, err
		})
	register(s, h, operation{id: "prompt-audio", method: http.MethodGet, path: one + "/audio", summary: "The sound as WAV, now or as it was", access: accessSupervisor},
		func(ctx context.Context, in *promptAudioInput) (*huma.StreamResponse, error) {
			wav, err := prompts.Audio(ctx, in.Language, in.ID, in.Version)
			if err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(c huma.Context) {
				r, w := humago.Unwrap(c)
				w.Header().Set("Content-Type", "audio/wav")
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(wav))
			}}, nil
		})
	register(s, h, operation{id: "prompt-versions", method: http.MethodGet, path: one + "/versions", summary: "The sounds that there were, newest first", access: accessSupervisor},
		func(ctx context.Context, in *PromptPath) (*body[[]PromptVersion], error) {
			list, err := prompts.Versions(ctx, in.Language, in.ID)
			return &body[[]PromptVersion]{list}, err
		})
	register(s, h, operation{id: "upload-prompt", method: http.MethodPost, path: one, summary: "Give a sound: WAV, 8 to 96 kHz; it is measured, resampled and levelled", access: accessAdmin, body: maxPromptBody}, s.uploadPrompt)
	register(s, h, operation{id: "delete-prompt", method: http.MethodDelete, path: one, summary: "Back to the built-in sound, or remove it", access: accessAdmin},
		func(ctx context.Context, in *PromptPath) (*struct{}, error) {
			by := identityIn(ctx).User
			if err := prompts.Delete(ctx, in.Language, in.ID, by); err != nil {
				return nil, err
			}
			return nil, s.audit.Record(ctx, Entry{Who: by, Action: ActionPromptDelete, Target: in.Language + "/" + in.ID})
		})
	register(s, h, operation{id: "restore-prompt", method: http.MethodPost, path: one + "/restore", summary: "Take a sound that there was once more", access: accessAdmin},
		func(ctx context.Context, in *promptRestoreInput) (*body[PromptVersion], error) {
			by := identityIn(ctx).User
			v, err := prompts.Restore(ctx, in.Language, in.ID, in.Body.Version, by)
			if err != nil {
				return nil, err
			}
			err = s.audit.Record(ctx, Entry{Who: by, Action: ActionPromptRestore, Target: in.Language + "/" + in.ID, Details: map[string]any{"version": v.Version}})
			return &body[PromptVersion]{v}, err
		})
}

func (s *Server) uploadPrompt(ctx context.Context, in *promptUploadInput) (*body[PromptVersion], error) {
	by := identityIn(ctx).User
	v, err := s.opts.Prompts.Upload(ctx, PromptUpload{Language: in.Language, ID: in.ID, Text: in.Text, WAV: in.RawBody, By: by})
	if err != nil {
		return nil, err
	}
	err = s.audit.Record(ctx, Entry{Who: by, Action: ActionPromptUpload, Target: in.Language + "/" + in.ID, Details: map[string]any{"version": v.Version}})
	return &body[PromptVersion]{v}, err
}
