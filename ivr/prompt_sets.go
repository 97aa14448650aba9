package ivr

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"callfloor/media"
)

// MusicLanguage is what stands for a language where a sound is music.
const MusicLanguage = musicFolder

// Sound is a sound that is put before the one of the same name.
type Sound struct {
	ID, Language string // Language is MusicLanguage for music
	Text         string // what is said
	WAV          []byte
}

// With returns the prompts with sounds put before those of the same names.
// Prompts of one language only are allowed: the checker says where a flow lacks
// the other.
func (p *Prompts) With(sounds ...Sound) (*Prompts, error) {
	next := &Prompts{spoken: maps.Clone(p.spoken), music: maps.Clone(p.music)}
	for _, s := range sounds {
		if !promptID.MatchString(s.ID) {
			return nil, fmt.Errorf("the prompt id %q is not allowed; use lower-case letters, digits and _", s.ID)
		}
		clip, err := media.LoadClip(s.ID, bytes.NewReader(s.WAV))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(s.WAV)
		r := &recorded{clip: clip, prompt: Prompt{ID: s.ID, Language: s.Language, Text: s.Text, SHA256: hex.EncodeToString(sum[:])}}
		switch {
		case s.Language == MusicLanguage:
			r.prompt.Language, r.prompt.Text = "", "("+s.ID+")"
			next.music[s.ID] = r
		case isLanguage(s.Language):
			next.spoken[sound{s.ID, s.Language}] = r
		default:
			return nil, fmt.Errorf("unknown language %q; prompts are in %s or %s", s.Language, quoteList(Languages()), MusicLanguage)
		}
	}
	return next, nil
}

// MusicIDs lists the pieces of music, sorted.
func (p *Prompts) MusicIDs() []string { return slices.Sorted(maps.Keys(p.music)) }

// Sound finds a prompt of one language, or music: what is said and its clip.
func (p *Prompts) Sound(id, lang string) (Prompt, *media.Clip, bool) {
	r := p.spoken[sound{id, lang}]
	if lang == MusicLanguage {
		r = p.music[id]
	}
	if r == nil {
		return Prompt{}, nil, false
	}
	return r.prompt, r.clip, true
}

// Prompts are those that the flow was read with; its calls hear them.
func (f *Flow) Prompts() *Prompts { return f.prompts }

// PromptIDs are the prompts and the music that the flow and its subflows name,
// without those that numbers and places are said with.
func (f *Flow) PromptIDs() []string {
	var ids []string
	f.eachSub(func(s *Flow) {
		for _, id := range s.order {
			for _, ref := range s.nodes[id].step.sounds() {
				if _, one := split(ref.text); one != "" && !slices.Contains(ids, one) {
					ids = append(ids, one)
				}
			}
		}
	})
	slices.Sort(ids)
	return ids
}

// CheckAlone finds what is wrong with a flow that no line begins with: a
// subflow, or one that is being written.
func (f *Flow) CheckAlone(o CheckOptions) []Problem {
	found := &findings{file: f.file}
	f.checkParts(o, found)
	return found.sorted()
}

// Subflows are the names of the flows that it calls itself.
func (f *Flow) Subflows() []string {
	names := make([]string, len(f.subs))
	for i, s := range f.subs {
		names[i] = flowName(s.file)
	}
	return names
}

// NodeCount is how many nodes it has, without its subflows'.
func (f *Flow) NodeCount() int { return len(f.order) }

// Text is the file that it was read from.
func (f *Flow) Text() []byte { return f.text }
