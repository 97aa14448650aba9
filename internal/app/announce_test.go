package app

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"callfloor/acd"
	"callfloor/api"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/ivr"
)

// TestWhatIsAnnounced: of a call that the seat answered by itself always a beep,
// and what the queue says of it.
func TestWhatIsAnnounced(t *testing.T) {
	prompts, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	must(t, err)
	n := &announcer{
		log: slog.New(slog.DiscardHandler), prompts: func() *ivr.Prompts { return prompts },
		queues: map[contact.QueueID]acd.Announce{
			"plain": {Language: "en"},
			"told":  {Language: "zh", Answered: true, Prompt: "goodbye", Wait: true, Alone: 2 * time.Second},
			"gone":  {Language: "en", Prompt: "deleted", Wait: true},
		},
	}
	for _, tt := range []struct {
		name  string
		call  acd.Connect
		beep  bool
		want  string // the clips
		alone time.Duration
	}{
		{name: "answered by hand", call: acd.Connect{Queue: "plain", Offered: true}},
		{name: "answered by itself", call: acd.Connect{Queue: "plain", Offered: true, AutoAnswer: true}, beep: true},
		{name: "handed on", call: acd.Connect{Queue: "told", Waited: time.Hour}},
		{
			name: "told", call: acd.Connect{Queue: "told", Offered: true, Waited: 3 * time.Minute},
			beep: true, want: "goodbye waited_before number_3 wait_after", alone: 2 * time.Second,
		},
		{name: "waited little", call: acd.Connect{Queue: "told", Offered: true, Waited: time.Second}, beep: true, want: "goodbye", alone: 2 * time.Second},
		{name: "a prompt is gone", call: acd.Connect{Queue: "gone", Offered: true, AutoAnswer: true, Waited: time.Minute}, beep: true, want: "waited_one_minute"},
	} {
		got := n.of(tt.call)
		var clips []string
		for _, c := range got.Clips {
			clips = append(clips, c.Name())
		}
		if said := strings.Join(clips, " "); got.Beep != tt.beep || said != tt.want || got.Alone != tt.alone {
			t.Errorf("%s: beep %v, %q, alone %v", tt.name, got.Beep, said, got.Alone)
		}
	}
	if got := (*announcer)(nil).of(acd.Connect{Offered: true, AutoAnswer: true}); got.Beep {
		t.Error("without a configuration it beeps")
	}
}

// TestAnnouncementsHaveTheirPrompts: a queue that announces by a prompt which is not
// there is refused, and the prompt cannot be taken away from under it.
func TestAnnouncementsHaveTheirPrompts(t *testing.T) {
	prompts, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	must(t, err)
	cfg := config.Default()
	cfg.Queues[0].AnnounceAgent.Prompt = "goodbye"
	if _, err := LoadFlows(cfg, prompts); err != nil {
		t.Error(err)
	}
	cfg.Queues[0].AnnounceAgent.Prompt = "sales_agent"
	if _, err := LoadFlows(cfg, prompts); err == nil || !strings.Contains(err.Error(), `queue sales: announce_agent.prompt: there is no prompt "sales_agent" in "en"`) {
		t.Errorf("LoadFlows = %v", err)
	}
	s, _ := newSounds(t)
	s.queues = cfg.Queues
	for _, lang := range ivr.Languages() {
		_, err := s.Upload(t.Context(), api.PromptUpload{Language: lang, ID: "sales_agent", Text: "Sales.", WAV: speech(1, 0.3), By: "ada"})
		must(t, err)
	}
	if err := s.Delete(t.Context(), "en", "sales_agent", "ada"); contact.ErrorCode(err) != contact.Conflict || !strings.Contains(err.Error(), "queue sales") {
		t.Errorf("deleted in use: %v", err)
	}
	must(t, s.Delete(t.Context(), "zh", "sales_agent", "ada")) // announced in English
}
