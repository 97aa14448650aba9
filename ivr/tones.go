package ivr

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"callfloor/media/tone"
)

// tones are the networks' tones, each computed when it is first asked for:
// "ringback_de" and its like are music to a queue and a prompt to a play step.
func tones() map[string]func() *recorded {
	all := map[string]func() *recorded{}
	for _, country := range tone.Countries() {
		for _, kind := range tone.Kinds() {
			id := string(kind) + "_" + country
			all[id] = sync.OnceValue(func() *recorded {
				clip, _ := tone.Clip(kind, country)
				sum := sha256.Sum256([]byte(id))
				return &recorded{clip: clip, prompt: Prompt{ID: id, Text: "(" + id + ")", SHA256: hex.EncodeToString(sum[:])}}
			})
		}
	}
	return all
}

// looped finds what is made to be looped: a piece of music, or a tone. A file
// in music/ hides the tone of its name.
func (p *Prompts) looped(id string) (*recorded, bool) {
	if r, ok := p.music[id]; ok {
		return r, true
	}
	if tone, ok := p.tones[id]; ok {
		return tone(), true
	}
	return nil, false
}
