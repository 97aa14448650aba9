package recordings

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/recordings/consent"
)

// manifest is entry 1: whose call it is, and by what right it is kept.
type manifest struct {
	Recording contact.ID `json:"recording"`
	Contact   contact.ID `json:"contact"`
	Line      string     `json:"line"`
	Queue     string     `json:"queue"`
	Agent     string     `json:"agent"`
	// Answered is sample 0: the offsets of all later entries count from it.
	Answered time.Time      `json:"answered"`
	Consent  consent.Answer `json:"consent"`
}

// Mark is something that happened during a recording.
type Mark struct {
	// At is in seconds from the agent's answer.
	At float64 `json:"at"`
	// Kind is a word: hold, resume, mute, unmute, pause, unpause, agent_away, agent_back, agent_lost,
	// withdrawn, gap and what the call adds.
	Kind string `json:"kind"`
	// Text says it in one short English sentence.
	Text string         `json:"text"`
	Data map[string]any `json:"data,omitempty"`
}

// seal is what the last entry signs.
type seal struct {
	Recording contact.ID `json:"recording"`
	// Count is the number of entries before the seal, Head the hash of the last
	// of them, in hex.
	Count      uint64    `json:"count"`
	Head       string    `json:"head"`
	Ended      time.Time `json:"ended"`
	DurationMS int64     `json:"duration_ms"`
	Why        string    `json:"why"`
}

// Why a capture was sealed.
const (
	whyEnded     = "ended"
	whyWithdrawn = "consent withdrawn"
	whyClosed    = "the server was stopped"
)

// entryJSON makes room for a length, then kind and v.
func entryJSON(kind byte, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write an entry of kind %d: %w", kind, err)
	}
	b := make([]byte, lengthSize, lengthSize+1+len(body)+tagSize)
	b = append(b, kind)
	return append(b, body...), nil
}

// sealEntry makes the last entry.
func sealEntry(s seal, key ed25519.PrivateKey) ([]byte, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write a seal: %w", err)
	}
	b := make([]byte, lengthSize, lengthSize+1+ed25519.SignatureSize+len(body)+tagSize)
	b = append(b, kindSeal)
	b = append(b, ed25519.Sign(key, append([]byte(sealContext), body...))...)
	return append(b, body...), nil
}

// parseSeal reads a seal's body and checks its signature.
func parseSeal(body []byte, key ed25519.PublicKey) (*seal, error) {
	if len(body) < ed25519.SignatureSize {
		return nil, errors.New("the seal is too short")
	}
	signature, text := body[:ed25519.SignatureSize], body[ed25519.SignatureSize:]
	if !ed25519.Verify(key, append([]byte(sealContext), text...), signature) {
		return nil, errors.New("the seal's signature is not that of this server's key")
	}
	var s seal
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("read the seal: %w", err)
	}
	return &s, nil
}

// matches says whether s seals what c has seen before the seal itself.
func (s *seal) matches(id contact.ID, count uint64, head chainHash) error {
	switch {
	case s.Recording != id:
		return fmt.Errorf("the seal is that of recording %s", s.Recording)
	case s.Count != count:
		return fmt.Errorf("the seal says %d entries before it, there are %d", s.Count, count)
	case s.Head != hex.EncodeToString(head[:]):
		return errors.New("the seal's hash is not that of the entries before it")
	}
	return nil
}
