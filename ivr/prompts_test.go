package ivr

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"

	"callfloor/contact"
	"callfloor/media/codec"
	"callfloor/media/wav"
)

// TestPromptsAreAsMade holds make.sh's sums: a text that was changed without
// speaking it again, or a file changed by hand, fails here.
func TestPromptsAreAsMade(t *testing.T) {
	sums, err := os.Open("prompts/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	defer sums.Close()
	listed := map[string]bool{}
	for lines := bufio.NewScanner(sums); lines.Scan(); {
		want, name, _ := strings.Cut(lines.Text(), "  ")
		data, err := os.ReadFile("prompts/" + name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s is not what make.sh made; run it again", name)
		}
		listed[name] = true
	}
	err = fs.WalkDir(BuiltinPrompts(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !listed[name] {
			t.Errorf("%s is not in SHA256SUMS; remove it or run make.sh", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPromptsEmbeddedAreLoaded(t *testing.T) {
	p := builtinPrompts(t)
	files, err := fs.Glob(BuiltinPrompts(), "*/*.wav")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(p.spoken) + len(p.music); got != len(files) {
		t.Errorf("%d sounds are loaded, but %d files are embedded", got, len(files))
	}
	var size int
	for _, f := range files {
		data, err := fs.ReadFile(BuiltinPrompts(), f)
		if err != nil {
			t.Fatal(err)
		}
		size += len(data)
	}
	if size > 7<<20 {
		t.Errorf("the prompts make the binary %d octets larger; 7 MiB are enough", size)
	}
}

// TestLevels holds the loudness of every sound: prompts at -18 dBFS RMS with
// peaks below -3 dBFS, so that nothing clips and none is louder than another.
func TestLevels(t *testing.T) {
	files, err := fs.Glob(BuiltinPrompts(), "*/*.wav")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		samples := samplesOf(t, name)
		rms, peak := levels(samples)
		want, tolerance := -18.0, 0.5
		switch name {
		case "music/music.wav":
			want = -20
		case "music/reconnect.wav":
			want = -26
		}
		if math.Abs(rms-want) > tolerance {
			t.Errorf("%s: %.1f dBFS RMS, want %.1f", name, rms, want)
		}
		if peak > -3 {
			t.Errorf("%s: its peak is %.1f dBFS, want below -3", name, peak)
		}
	}
}

func samplesOf(t *testing.T, name string) []int16 {
	t.Helper()
	f, err := BuiltinPrompts().Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	samples, rate, channels, err := wav.Read(f)
	if err != nil || rate != 8000 || channels != 1 {
		t.Fatalf("%s: %d Hz, %d channels, %v", name, rate, channels, err)
	}
	return samples
}

func levels(samples []int16) (rms, peak float64) {
	var sum, top float64
	for _, s := range samples {
		v := float64(s) / 32768
		sum += v * v
		top = max(top, math.Abs(v))
	}
	return 10 * math.Log10(sum/float64(len(samples))), 20 * math.Log10(top)
}

// TestMusicLoopsWithoutAClick compares the step from the last sample to the
// first with the largest step inside.
func TestMusicLoopsWithoutAClick(t *testing.T) {
	for _, name := range []string{"music/music.wav", "music/reconnect.wav"} {
		samples := samplesOf(t, name)
		if len(samples)%160 != 0 {
			t.Errorf("%s has %d samples; a loop must be whole frames of 20 ms", name, len(samples))
		}
		largest := 0.0
		for i := 1; i < len(samples); i++ {
			largest = max(largest, math.Abs(float64(samples[i])-float64(samples[i-1])))
		}
		if seam := math.Abs(float64(samples[0]) - float64(samples[len(samples)-1])); seam > largest {
			t.Errorf("%s: the seam jumps by %.0f, its largest step is %.0f", name, seam, largest)
		}
	}
}

// TestDemoDurations holds what the outside contract says of the demo's line
// 1000, for each language that it can begin in.
func TestDemoDurations(t *testing.T) {
	p := builtinPrompts(t)
	length := func(lang, id string) time.Duration {
		prompt, ok := p.Lookup(id, lang)
		if !ok {
			t.Fatalf("no prompt %s/%s", lang, id)
		}
		clip, err := p.Clip(prompt)
		if err != nil {
			t.Fatal(err)
		}
		return clip.Duration()
	}
	for _, lang := range Languages() {
		greeting := length(lang, "greeting") + length("zh", "chinese_press_nine")
		if greeting > 2*time.Second {
			t.Errorf("%s: the greeting takes %v, want at most 2 s", lang, greeting)
		}
		question := length(lang, "consent_question")
		if askings := 3 * (question + consentWait); askings < 20*time.Second || askings > 30*time.Second {
			t.Errorf("%s: three askings take %v, want 20 to 30 s", lang, askings)
		}
	}
}

func TestLookupAndClip(t *testing.T) {
	p := builtinPrompts(t)
	en, ok := p.Lookup("greeting", "en")
	if !ok || en.Text != "Welcome." || en.Language != "en" || len(en.SHA256) != 64 {
		t.Errorf("greeting in English: %+v %v", en, ok)
	}
	if _, ok := p.Lookup("greeting", "fr"); ok {
		t.Error("there is no greeting in French")
	}
	a, err := p.Clip(en)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := p.Clip(en); a != b {
		t.Error("two listeners of one prompt must share one clip")
	}
	if &a.Frames(codec.PCMA)[0] != &a.Frames(codec.PCMA)[0] {
		t.Error("the clip is encoded again for each listener")
	}
	tone, ok := p.Lookup("reconnect", "zh")
	if !ok {
		t.Fatal("no soft tone")
	}
	if _, err := p.Clip(tone); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"music", "reconnect"} {
		if m, err := p.Music(id); err != nil || m.Duration() < 3*time.Second {
			t.Errorf("music %s: %v", id, err)
		}
	}
	if _, err := p.Music("greeting"); contact.ErrorCode(err) != contact.NotFound {
		t.Errorf("a greeting is no music, got %v", err)
	}
	if _, err := p.Clip(Prompt{ID: "nothing", Language: "en"}); contact.ErrorCode(err) != contact.NotFound {
		t.Errorf("a prompt that does not exist: %v", err)
	}
}

// TestPinyinFitsTheCharacters counts: one syllable for each character.
func TestPinyinFitsTheCharacters(t *testing.T) {
	text, err := os.ReadFile("prompts/pinyin.txt")
	if err != nil {
		t.Fatal(err)
	}
	pinyin := map[string]int{}
	for line := range strings.Lines(string(text)) {
		id, said, _ := strings.Cut(line, ":")
		pinyin[id] = len(strings.Fields(said))
	}
	p := builtinPrompts(t)
	for _, id := range p.IDs() {
		prompt, _ := p.Lookup(id, "zh")
		characters := 0
		for _, r := range prompt.Text {
			if unicode.Is(unicode.Han, r) {
				characters++
			}
		}
		if characters == 0 || characters != pinyin[id] {
			t.Errorf("%s: %q has %d characters and %d syllables", id, prompt.Text, characters, pinyin[id])
		}
	}
}

func TestLoadPromptsNamesEveryFault(t *testing.T) {
	good, err := fs.ReadFile(BuiltinPrompts(), "en/greeting.wav")
	if err != nil {
		t.Fatal(err)
	}
	_, err = LoadPrompts(fstest.MapFS{
		"prompts.yaml": {Data: []byte("a: {en: A, zh: 甲}\nb: {en: B}\nC: {en: C, zh: 丙}\nd: {en: D, fr: D, zh: 丁}\ne: text\n")},
		"en/a.wav":     {Data: good},
		"zh/a.wav":     {Data: good[:20]},
		"en/b.wav":     {Data: good},
		"en/d.wav":     {Data: []byte("RIFF nonsense")},
		"zh/d.wav":     {Data: good},
		"music/m.wav":  {Data: nil},
	})
	if err == nil {
		t.Fatal("broken prompts were loaded")
	}
	for _, want := range []string{
		"prompts.yaml:1:16: zh/a.wav", "prompts.yaml:2:1: the prompt \"b\" has no text in \"zh\"",
		"prompts.yaml:3:1: the prompt id \"C\"", "prompts.yaml:4:12: unknown language \"fr\"",
		"en/d.wav", "prompts.yaml:5:1: the prompt \"e\" needs a text", "music/m.wav",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if _, err := LoadPrompts(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "no file prompts.yaml") {
		t.Errorf("no prompts at all: %v", err)
	}
}
