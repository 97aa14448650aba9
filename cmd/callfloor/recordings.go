package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"callfloor/contact"
	"callfloor/recordings"
)

type recordingsCmd struct {
	List    recordingsListCmd    `cmd:"" help:"List recordings, newest first."`
	Show    recordingsShowCmd    `cmd:"" help:"Show one recording."`
	Export  recordingsExportCmd  `cmd:"" help:"Write a recording as WAV: left customer, right agent."`
	Verify  recordingsVerifyCmd  `cmd:"" help:"Prove that recordings are as they were made."`
	Hold    recordingsHoldCmd    `cmd:"" help:"Put a legal hold on a recording: it is not erased."`
	Release recordingsReleaseCmd `cmd:"" help:"Take a legal hold off."`
	Erase   recordingsEraseCmd   `cmd:"" help:"Erase the sound of a recording for good."`
}

type recordingsListCmd struct {
	where
	Limit int    `help:"How many at most." default:"50"`
	Call  string `help:"Only recordings of this call."`
	JSON  bool   `help:"Print JSON."`
}

// Run lists recordings.
func (c *recordingsListCmd) Run(ctx context.Context, t terminal) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return usagef("--limit %d is out of range; it is 1 to 1000", c.Limit)
	}
	h, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	list, err := h.recordings(ctx, recordings.Query{Limit: c.Limit, Call: contact.ID(c.Call)})
	if err != nil {
		return err
	}
	if list == nil {
		list = []recordings.Info{}
	}
	if c.JSON {
		return t.printJSON(list)
	}
	if len(list) == 0 {
		t.say("There are no recordings yet.")
		return nil
	}
	rows := make([][]string, 0, len(list))
	for _, r := range list {
		rows = append(rows, []string{r.ID, started(r), length(r), string(r.State), string(r.Consent), string(r.Queue), string(r.Agent), string(r.Call), marks(r)})
	}
	return table(t.out, []string{"RECORDING", "STARTED", "LENGTH", "STATE", "CONSENT", "QUEUE", "AGENT", "CALL", "MARKS"}, rows)
}

func started(r recordings.Info) string {
	at, err := time.Parse(contact.TimeFormat, r.Started)
	if err != nil {
		return r.Started
	}
	return clock(at)
}

func length(r recordings.Info) string {
	if r.Duration == nil {
		return ""
	}
	return minutes(time.Duration(*r.Duration * float64(time.Second)))
}

func marks(r recordings.Info) string {
	var m []string
	if r.Hold {
		m = append(m, "hold")
	}
	if r.Erased != nil {
		m = append(m, "erased")
	}
	return strings.Join(m, ",")
}

type recordingArg struct {
	where
	ID string `arg:"" help:"The recording's ID."`
}

type recordingsShowCmd struct {
	recordingArg
	JSON bool `help:"Print JSON."`
}

// Run shows one recording.
func (c *recordingsShowCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	r, err := h.recording(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return t.printJSON(r)
	}
	rows := [][]string{
		{"call", string(r.Call)},
		{"started", started(r)},
		{"length", length(r)},
		{"state", strings.TrimSuffix(string(r.State)+" ("+r.Why+")", " ()")},
		{"consent", string(r.Consent)},
		{"line", string(r.Line)},
		{"queue", string(r.Queue)},
		{"agent", string(r.Agent)},
	}
	for _, track := range r.Tracks {
		rows = append(rows, []string{string(track.Party), fmt.Sprintf("%s, %.1f s", track.Codec, track.Seconds)})
	}
	if r.Hold {
		rows = append(rows, []string{"hold", fmt.Sprintf("by %s: %s", r.HoldBy, r.HoldWhy)})
	}
	if r.Erased != nil {
		rows = append(rows, []string{"erased", fmt.Sprintf("%s by %s: %s", r.Erased.At, r.Erased.By, r.Erased.Why)})
	}
	return table(t.out, []string{"RECORDING", r.ID}, rows)
}

type recordingsExportCmd struct {
	recordingArg
	Out string `help:"The file to write." required:"" placeholder:"FILE.wav"`
}

// Run writes the WAV file; one that could not be finished is removed.
func (c *recordingsExportCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	if _, err := h.recording(ctx, c.ID); err != nil {
		return err
	}
	f, err := os.Create(c.Out)
	if err != nil {
		return fmt.Errorf("export recording %s: %w", c.ID, err)
	}
	if err := errors.Join(h.export(ctx, c.ID, f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(c.Out))
	}
	t.say("Wrote %s.", c.Out)
	return nil
}

type recordingsVerifyCmd struct {
	where
	IDs  []string `arg:"" optional:"" name:"id" help:"The recordings' IDs."`
	All  bool     `help:"Verify all of them."`
	JSON bool     `help:"Print JSON."`
}

// Run verifies and fails if one of them is damaged.
func (c *recordingsVerifyCmd) Run(ctx context.Context, t terminal) error {
	if c.All == (len(c.IDs) > 0) {
		return usagef("say which recordings to verify: their IDs, or --all")
	}
	h, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	ids := c.IDs
	if c.All {
		if ids, err = allRecordings(ctx, h); err != nil {
			return err
		}
	}
	reports := make([]recordings.Report, 0, len(ids))
	damaged := 0
	for _, id := range ids {
		r, err := h.verify(ctx, id)
		if err != nil {
			return err
		}
		reports = append(reports, r)
		switch {
		case !r.OK:
			damaged++
			t.say("%s: %s", id, damage(r))
		case !c.JSON:
			fmt.Fprintf(t.out, "%s: as it was made, %d entries%s\n", id, r.Entries, note(r))
		}
	}
	if c.JSON {
		if err := t.printJSON(reports); err != nil {
			return err
		}
	}
	if damaged > 0 {
		return silentError{}
	}
	return nil
}

func damage(r recordings.Report) string {
	if r.Damage == nil {
		return "damaged"
	}
	return fmt.Sprintf("damaged at entry %d: %s", r.Damage.Entry, r.Damage.Why)
}

func note(r recordings.Report) string {
	if r.Note == "" {
		return ""
	}
	return " (" + r.Note + ")"
}

// allRecordings lists every recording that there is, page by page.
func allRecordings(ctx context.Context, h recordingHouse) ([]string, error) {
	const page = 1000
	ids := []string{}
	for q := (recordings.Query{Limit: page}); ; {
		list, err := h.recordings(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		if len(list) < page {
			return ids, nil
		}
		if q.Before, err = time.Parse(contact.TimeFormat, list[len(list)-1].Started); err != nil {
			return nil, fmt.Errorf("read the start of recording %s: %w", ids[len(ids)-1], err)
		}
	}
}

type recordingsHoldCmd struct {
	recordingArg
	Why string `help:"Who wants it kept, and why." required:""`
}

// Run puts a hold on.
func (c *recordingsHoldCmd) Run(ctx context.Context, t terminal) error {
	return c.act(ctx, t, "is on hold now", func(h house) error { return h.hold(ctx, c.ID, true, c.Why) })
}

type recordingsReleaseCmd struct {
	recordingArg
	Why string `help:"Why it need not be kept any longer." required:""`
}

// Run takes a hold off.
func (c *recordingsReleaseCmd) Run(ctx context.Context, t terminal) error {
	return c.act(ctx, t, "is no longer on hold", func(h house) error { return h.hold(ctx, c.ID, false, c.Why) })
}

type recordingsEraseCmd struct {
	recordingArg
	Why string `help:"Why it is erased." required:""`
}

// Run erases.
func (c *recordingsEraseCmd) Run(ctx context.Context, t terminal) error {
	return c.act(ctx, t, "is erased", func(h house) error { return h.erase(ctx, c.ID, c.Why) })
}

func (c recordingArg) act(ctx context.Context, t terminal, done string, do func(house) error) error {
	h, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // what was done is on disk
	if err := do(h); err != nil {
		return err
	}
	t.say("Recording %s %s.", c.ID, done)
	return nil
}
