package ivr

import (
	"context"
	"fmt"

	"callfloor/contact"
)

// AskConsent asks a customer who has been called for consent to record, or
// announces it, as a line with this policy does; with "never" it does nothing.
// It returns when the answer is stored. Whoever answers a call that they did
// not make has had no menu: the question is all that they hear before the agent.
func AskConsent(ctx context.Context, c Caller, p *Prompts, policy, language string) (contact.Consent, error) {
	if policy != modeAsk && policy != modeAnnounce {
		return contact.ConsentNone, nil
	}
	say := word{text: "consent_question"}
	if policy == modeAnnounce {
		say.text = "consent_announcement"
	}
	// Attempts: who was called is not made to listen to it three times.
	step := &consentStep{Mode: word{text: policy}, Say: say, Agree: key{r: '1'}, Decline: key{r: '2'}, Repeats: count{n: 1}, Wait: span{d: consentWait}}
	if _, ok := p.Lookup(say.text, language); !ok {
		language = Languages()[0]
	}
	r := &runner{frame: frame{flow: &Flow{prompts: p}}, caller: c, policy: policy, lang: language, languageKeys: map[rune]string{}}
	if _, err := step.run(ctx, r); err != nil {
		return contact.ConsentNone, fmt.Errorf("ask a customer who was called for consent: %w", err)
	}
	return r.consented, nil
}
