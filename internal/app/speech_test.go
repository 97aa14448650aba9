package app

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callfloor/internal/config"
)

// speaker writes a program that "speaks" by copying a prompt, and counts.
func speaker(t *testing.T, script string) (config.Speech, string) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "speak")
	wav, err := filepath.Abs("../../ivr/prompts/en/goodbye.wav")
	must(t, err)
	must(t, os.WriteFile(program, []byte("#!/bin/sh\n"+strings.ReplaceAll(script, "WAV", wav)), 0o700))
	return config.Speech{
		Command: []string{program, "{voice}", "{file}", "{text}", filepath.Join(dir, "log")},
		Voices:  config.Voices{En: "en-us", Zh: "cmn"}, Timeout: 2 * time.Second,
	}, filepath.Join(dir, "log")
}

// TestSpeechIsCached: equal texts are spoken once, also after a restart.
func TestSpeechIsCached(t *testing.T) {
	cfg, log := speaker(t, `echo "$1 $3" >>"$4"; cp WAV "$2"`)
	folder := filepath.Join(t.TempDir(), "speech")
	for range 2 {
		v, err := newVoice(cfg, folder)
		must(t, err)
		a, err := v.Speak(context.Background(), "en", "--help; $(touch x) Hello")
		must(t, err)
		b, err := v.Speak(context.Background(), "en", "--help; $(touch x) Hello")
		must(t, err)
		if a != b || a.Duration() < time.Second {
			t.Errorf("two clips, or an empty one: %v", a.Duration())
		}
		_, err = v.Speak(context.Background(), "zh", "你好")
		must(t, err)
	}
	spoken, err := os.ReadFile(log)
	must(t, err)
	if want := "en-us help; $(touch x) Hello\ncmn 你好\n"; string(spoken) != want {
		t.Errorf("spoken:\n%swant:\n%s", spoken, want)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "making-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestSpeechFails names the program and not the text.
func TestSpeechFails(t *testing.T) {
	for name, script := range map[string]string{"fails": "exit 3", "no sound": `echo no >"$2"`, "nothing": "true"} {
		cfg, _ := speaker(t, script)
		v, err := newVoice(cfg, t.TempDir())
		must(t, err)
		if _, err := v.Speak(context.Background(), "en", "13912345678"); err == nil || strings.Contains(err.Error(), "139") {
			t.Errorf("%s: %v", name, err)
		}
	}
	v, err := newVoice(config.Speech{Command: []string{"/nowhere", "{file}", "{text}"}, Timeout: time.Second}, t.TempDir())
	must(t, err)
	if _, err := v.Speak(context.Background(), "en", "x"); err == nil {
		t.Error("a program that is not there spoke")
	}
	if _, err := v.Speak(context.Background(), "en", strings.Repeat("x", maxSpeech+1)); err == nil {
		t.Error("a text without end was spoken")
	}
}

// TestEspeak speaks with the real program.
func TestEspeak(t *testing.T) {
	if _, err := exec.LookPath("espeak-ng"); err != nil {
		t.Fatal("espeak-ng is missing: apt-get install espeak-ng")
	}
	v, err := newVoice(config.Speech{
		Command: []string{"espeak-ng", "-v", "{voice}", "-w", "{file}", "{text}"}, Voices: config.Voices{En: "en-us", Zh: "cmn"}, Timeout: 5 * time.Second,
	}, t.TempDir())
	must(t, err)
	for lang, text := range map[string]string{"en": "Your order costs twelve yuan.", "zh": "您的订单"} {
		if clip, err := v.Speak(context.Background(), lang, text); err != nil || clip.Duration() < 300*time.Millisecond {
			t.Errorf("%s: %v", lang, err)
		}
	}
}
