package ivr

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPlaceAndWaitAreSpokenProperly(t *testing.T) {
	p := builtinPrompts(t)
	for _, c := range []struct {
		position int
		expected time.Duration
		en, zh   string
	}{
		{1, 0, "You are next in line.", "您是下一位。"},
		{2, 2 * time.Minute, "You are number two in line. Your expected wait is about two minutes.", "您排在第二位。预计等待时间大约两分钟。"},
		{12, 12 * time.Minute, "You are number twelve in line. Your expected wait is about twelve minutes.", "您排在第十二位。预计等待时间大约十二分钟。"},
		{21, 22 * time.Minute, "You are number twenty-one in line. Your expected wait is about twenty-two minutes.", "您排在第二十一位。预计等待时间大约二十二分钟。"},
		{59, 30 * time.Minute, "You are number fifty-nine in line. Your expected wait is about thirty minutes.", "您排在第五十九位。预计等待时间大约三十分钟。"},
		{60, 30*time.Minute + time.Second, "There are more than fifty-nine callers before you.", "您前面还有超过五十九位客户。"},
		{1, 29 * time.Second, "You are next in line. Your expected wait is less than a minute.", "您是下一位。预计等待时间不到一分钟。"},
		{1, 89 * time.Second, "You are next in line. Your expected wait is about one minute.", "您是下一位。预计等待时间大约一分钟。"},
		{1, 90 * time.Second, "You are next in line. Your expected wait is about two minutes.", "您是下一位。预计等待时间大约两分钟。"},
		{0, -time.Second, "", ""},
	} {
		r := &runner{frame: frame{flow: &Flow{prompts: p}}}
		say := func(lang, space string) string {
			s := &placeSayer{lang: lang, resolve: r.resolveIDs}
			var words []string
			for _, prompt := range s.say(c.position, c.expected) {
				words = append(words, prompt.Text)
			}
			return strings.Join(words, space)
		}
		if got := say("en", " "); got != c.en {
			t.Errorf("%d, %v: %q, want %q", c.position, c.expected, got, c.en)
		}
		if got := say("zh", ""); got != c.zh {
			t.Errorf("%d, %v: %q, want %q", c.position, c.expected, got, c.zh)
		}
	}
}

func TestAWorsePlaceIsNotSaid(t *testing.T) {
	s := &placeSayer{resolve: func(_ string, ids ...string) []Prompt {
		list := make([]Prompt, len(ids))
		for i, id := range ids {
			list[i].ID = id
		}
		return list
	}}
	for _, c := range []struct {
		position int
		want     string
	}{{3, "number_3"}, {4, ""}, {3, "number_3"}, {2, "number_2"}, {3, ""}} {
		got := ""
		for _, p := range s.say(c.position, 0) {
			if strings.HasPrefix(p.ID, "number_") {
				got = p.ID
			}
		}
		if got != c.want {
			t.Errorf("at place %d it says %q, want %q", c.position, got, c.want)
		}
	}
}

// TestTheWaitIsToldToTheAgent: in whole minutes, however many.
func TestTheWaitIsToldToTheAgent(t *testing.T) {
	p := builtinPrompts(t)
	for _, c := range []struct {
		waited time.Duration
		en, zh string
	}{
		{0, "", ""},
		{29 * time.Second, "", ""},
		{30 * time.Second, "The caller has waited one minute.", "客户已等待一分钟。"},
		{2 * time.Minute, "The caller has waited two minutes.", "客户已等待 两 分钟。"},
		{59 * time.Minute, "The caller has waited fifty-nine minutes.", "客户已等待 五十九 分钟。"},
		{75*time.Minute + 10*time.Second, "The caller has waited seventy five minutes.", "客户已等待 七十 五 分钟。"},
		{102 * time.Minute, "The caller has waited one hundred two minutes.", "客户已等待 一 百 零 二 分钟。"},
	} {
		for lang, want := range map[string]string{"en": c.en, "zh": c.zh} {
			var words []string
			for _, id := range WaitedIDs(lang, c.waited) {
				prompt, ok := p.Lookup(id, lang)
				if !ok {
					t.Fatalf("%v: no prompt %s/%s", c.waited, lang, id)
				}
				words = append(words, prompt.Text)
			}
			if got := strings.Join(words, " "); got != want {
				t.Errorf("%v in %s: %q, want %q", c.waited, lang, got, want)
			}
		}
	}
}

// TestEverythingSaidHasAPrompt: no figure leads to a hole in a sentence.
func TestEverythingSaidHasAPrompt(t *testing.T) {
	known := map[string]bool{}
	for _, id := range placePrompts() {
		known[id] = true
	}
	rapid.Check(t, func(rt *rapid.T) {
		ids := append(placeIDs(rapid.Int().Draw(rt, "position")),
			waitIDs(time.Duration(rapid.Int64().Draw(rt, "expected")))...)
		for _, id := range ids {
			if !known[id] {
				rt.Fatalf("%q is no prompt", id)
			}
		}
	})
}

func TestNumbersInOrder(t *testing.T) {
	p := builtinPrompts(t)
	seen := map[string]bool{}
	for n := range maxSpokenNumber + 1 {
		for _, lang := range Languages() {
			prompt, ok := p.Lookup(number(n), lang)
			if !ok || seen[prompt.Text] {
				t.Errorf("%d in %s is missing or said like another: %q", n, lang, prompt.Text)
			}
			seen[prompt.Text] = true
		}
	}
}

func TestOpeningHoursInBothLanguages(t *testing.T) {
	p := builtinPrompts(t)
	f := loadAny(t, "hours.yaml")
	open := f.nodes["hours"].step.(*hoursStep).Open
	for lang, want := range map[string]string{
		"en": "We are open Monday to Friday from nine o'clock to seventeen thirty and Saturday from ten zero five to fourteen o'clock and every day from two zero two to twenty-three fifty-nine",
		"zh": "我们的营业时间是 星期一 至 星期五 从 九 点 到 十七 点 三十 分 以及 星期六 从 十 点 零 五 分 到 十四 点 以及 每天 从 两 点 零 二 分 到 二十三 点 五十九 分",
	} {
		var words []string
		for _, id := range open.ids(lang) {
			prompt, ok := p.Lookup(id, lang)
			if !ok {
				t.Errorf("no prompt %s/%s", lang, id)
			}
			words = append(words, prompt.Text)
		}
		if got := strings.Join(words, " "); got != want {
			t.Errorf("%s:\n%s, want\n%s", lang, got, want)
		}
	}
}
