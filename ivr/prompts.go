package ivr

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"callfloor/contact"
	"callfloor/media"
)

// Languages are the languages that every prompt must be spoken in, by the
// codes that flows, prompts.yaml and the folders of the WAV files use.
func Languages() []string { return []string{"en", "zh"} }

const (
	promptFile     = "prompts.yaml"
	musicFolder    = "music"
	maxPromptText  = 1 << 20 // octets of prompts.yaml
	maxPromptSound = 8 << 20 // octets of one WAV file: 8 min of 8 kHz
)

var promptID = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// Prompts are the sounds that flows may play: spoken prompts in every
// language, and music. It is immutable and safe for concurrent use.
type Prompts struct {
	spoken map[sound]*recorded
	music  map[string]*recorded
	tones  map[string]func() *recorded
}

type sound struct{ id, lang string }

// recorded is one WAV file: what is said in it and its clip, which encodes
// itself once for each codec.
type recorded struct {
	prompt Prompt
	clip   *media.Clip
}

// LoadPrompts reads prompts.yaml (id -> {en: text, zh: text}) and every WAV
// file that it names, LANGUAGE/ID.wav, and music/*.wav. Its error lists all
// that is missing or broken, so that no call finds out.
func LoadPrompts(fsys fs.FS) (*Prompts, error) {
	text, err := readLimited(fsys, promptFile, maxPromptText)
	if err != nil {
		return nil, fmt.Errorf("read the prompts' texts: %w", err)
	}
	p := &Prompts{spoken: map[sound]*recorded{}, music: map[string]*recorded{}, tones: tones()}
	found := &findings{file: promptFile}
	for _, entry := range readTexts(text, found) {
		p.addSpoken(fsys, entry, found)
	}
	if err := p.addMusic(fsys, found); err != nil {
		return nil, err
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Lookup finds the prompt id in a language. Music has no language and is found
// in each.
func (p *Prompts) Lookup(id, lang string) (Prompt, bool) {
	if r, ok := p.spoken[sound{id, lang}]; ok {
		return r.prompt, true
	}
	if r, ok := p.looped(id); ok {
		return r.prompt, true
	}
	return Prompt{}, false
}

// Clip returns the sound of a prompt. It is one clip for all listeners.
func (p *Prompts) Clip(prompt Prompt) (*media.Clip, error) {
	if prompt.clip != nil {
		return prompt.clip, nil
	}
	if r, ok := p.spoken[sound{prompt.ID, prompt.Language}]; ok {
		return r.clip, nil
	}
	if r, ok := p.looped(prompt.ID); ok {
		return r.clip, nil
	}
	return nil, contact.Errorf(contact.NotFound, "there is no prompt %q in %q; add it to prompts.yaml and record it", prompt.ID, prompt.Language)
}

// Music returns a piece that is made to be looped: "music" while a customer
// waits or is on hold, "reconnect" while their agent's browser is away, and
// every tone by kind and country ("ringback_de", "busy_us").
func (p *Prompts) Music(id string) (*media.Clip, error) {
	if r, ok := p.looped(id); ok {
		return r.clip, nil
	}
	return nil, contact.Errorf(contact.NotFound, "there is no music %q; put %s.wav into music/", id, id)
}

// IDs lists the spoken prompts, sorted.
func (p *Prompts) IDs() []string {
	var ids []string
	for s := range p.spoken {
		ids = append(ids, s.id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

type promptText struct {
	id   word
	text map[string]word
}

// readTexts reads prompts.yaml.
func readTexts(text []byte, found *findings) []promptText {
	file, ok := parse(text, found)
	if !ok {
		return nil
	}
	top, ok := onlyMapping(file, found)
	if !ok {
		return nil
	}
	var entries []promptText
	for _, v := range top {
		entry := promptText{id: keyWord(v), text: map[string]word{}}
		if !promptID.MatchString(entry.id.text) {
			found.add(entry.id.at, "the prompt id %q is not allowed; use lower-case letters, digits and _", entry.id.text)
			continue
		}
		if readTranslations(v.Value, &entry, found) {
			entries = append(entries, entry)
		}
	}
	return entries
}

// readTranslations reads the texts of one prompt; false if there are none.
func readTranslations(n ast.Node, entry *promptText, found *findings) bool {
	values, ok := mapping(n)
	if !ok {
		found.add(entry.id.at, "the prompt %q needs a text in each language: {en: …, zh: …}", entry.id.text)
		return false
	}
	for _, v := range values {
		lang := keyWord(v)
		var said word
		if err := said.UnmarshalYAML(v.Value); err != nil {
			found.yaml(err)
			continue
		}
		if !slices.Contains(Languages(), lang.text) {
			found.add(lang.at, "unknown language %q; prompts are in %s", lang.text, strings.Join(Languages(), ", "))
			continue
		}
		entry.text[lang.text] = said
	}
	return true
}

func (p *Prompts) addSpoken(fsys fs.FS, entry promptText, found *findings) {
	for _, lang := range Languages() {
		said, ok := entry.text[lang]
		if !ok || strings.TrimSpace(said.text) == "" {
			found.add(entry.id.at, "the prompt %q has no text in %q; say there what is heard", entry.id.text, lang)
			continue
		}
		file := path.Join(lang, entry.id.text+".wav")
		r, err := loadSound(fsys, file, Prompt{ID: entry.id.text, Language: lang, Text: said.text})
		if err != nil {
			found.add(said.at, "%v; record it or run make.sh beside prompts.yaml", err)
			continue
		}
		p.spoken[sound{entry.id.text, lang}] = r
	}
}

func (p *Prompts) addMusic(fsys fs.FS, found *findings) error {
	files, err := fs.Glob(fsys, musicFolder+"/*.wav")
	if err != nil {
		return fmt.Errorf("list the music: %w", err)
	}
	for _, file := range files {
		id := strings.TrimSuffix(path.Base(file), ".wav")
		r, err := loadSound(fsys, file, Prompt{ID: id, Text: "(" + id + ")"})
		if err != nil {
			found.add(at{1, 1}, "%v", err)
			continue
		}
		p.music[id] = r
	}
	return nil
}

// loadSound reads one WAV file now, so that a broken one is known at start.
func loadSound(fsys fs.FS, file string, prompt Prompt) (*recorded, error) {
	wav, err := readLimited(fsys, file, maxPromptSound)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(wav)
	prompt.SHA256 = hex.EncodeToString(sum[:])
	clip, err := media.LoadClip(prompt.ID, bytes.NewReader(wav))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &recorded{prompt: prompt, clip: clip}, nil
}

// readLimited reads a file of at most limit octets.
func readLimited(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no file %s", name)
		}
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d octets; make it shorter", name, limit)
	}
	return data, nil
}
