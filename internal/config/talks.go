package config

import (
	"net/url"
	"regexp"
)

var promptCode = regexp.MustCompile(`^[0-9]{8,16}$`)

// checkTalks looks at the servers that talk with customers.
func (l *loader) checkTalks() {
	if _, err := l.cfg.Bots.Networks(); err != nil {
		l.wrong("bots.private", "%v", err)
	}
	if code := l.cfg.PromptCode; code != "" && !promptCode.MatchString(code) {
		l.wrong("prompt_code", "staff type the code on a telephone, and guessing it must take months: write 8 to 16 digits in quotes, or \"\" for none")
	}
	for key, address := range map[string]string{
		"speech.url": l.cfg.Speech.URL, "speech.recognise": l.cfg.Speech.Recognise, "messages.url": l.cfg.Messages.URL,
	} {
		if address == "" {
			continue
		}
		if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			l.wrong(key, "%q is no address of a server; write https://HOST/PATH", address)
		}
	}
	if len(l.cfg.Speech.Command) > 0 && l.cfg.Speech.URL != "" {
		l.wrong("speech.url", "texts are spoken by speech.command or by a server, not by both; leave one empty")
	}
}
