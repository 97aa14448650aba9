package call

import (
	"testing"
	"time"

	"callfloor/contact"
)

// TestTrouble: who is not heard is named within five seconds, and cleared when
// they are heard again; mute and hold are no trouble.
func TestTrouble(t *testing.T) {
	const silence = 0xFF
	for _, tt := range []struct {
		name string
		do   func(h *house)
		want Trouble
	}{
		{"both talk", func(*house) {}, NoTrouble},
		{"the customer sends silence", func(h *house) { h.voices[markCustomer].mark = silence }, CustomerSilent},
		{"nothing comes from the customer", func(h *house) { delete(h.voices, markCustomer) }, CustomerNoAudio},
		{"the agent's microphone is silent", func(h *house) { h.voices[markAlice].mark = silence }, AgentSilent},
		{"nothing comes from the agent", func(h *house) { delete(h.voices, markAlice) }, AgentNoAudio},
		{"the agent is muted", func(h *house) { must(h.t, h.call.Mute("alice", true)); h.voices[markAlice].mark = silence }, NoTrouble},
		{"the customer's phone holds the call", func(h *house) { h.call.Held(true); delete(h.voices, markCustomer) }, NoTrouble},
		{"hold", func(h *house) { must(h.t, h.call.Hold("alice", true)); delete(h.voices, markCustomer) }, NoTrouble},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
				h.connect()
				h.chat(7 * time.Second)
				if got := h.trouble(); got != NoTrouble {
					t.Fatalf("while both talk: %q", got)
				}
				tt.do(h)
				h.chat(4 * time.Second)
				if got := h.trouble(); got != NoTrouble {
					t.Errorf("after four seconds already: %q", got)
				}
				h.chat(time.Second)
				if got := h.trouble(); got != tt.want {
					t.Errorf("after five seconds: %q, want %q", got, tt.want)
				}
				h.voices[markCustomer] = &voiceOf{source: h.leg.source, mark: markCustomer}
				h.voices[markAlice] = &voiceOf{source: h.alice.mic, mark: markAlice}
				h.chat(time.Second)
				if got := h.trouble(); got != NoTrouble {
					t.Errorf("when they are heard again: %q", got)
				}
			})
		})
	}
}

func (h *house) trouble() (t Trouble) {
	must(h.t, h.call.do(func() error { t = h.call.view.Trouble; return nil }))
	return t
}
