// Package stir signs and verifies who calls: PASSporTs of type shaken in Identity
// headers (RFC 8224, RFC 8225, RFC 8588). It knows nothing of SIP beside the
// header's value, and opens no socket: certificates come from a Source. The
// signature is ES256 (RFC 8225 §8); no other is taken.
package stir

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Attestation is how sure the signer is of the caller's number (RFC 8588 §4).
type Attestation string

// The attestations: A the signer knows the caller and that the number is theirs,
// B it knows the caller, C it only knows where the call came in.
const (
	Full    Attestation = "A"
	Partial Attestation = "B"
	Gateway Attestation = "C"
)

// MaxIdentity is how long an Identity header may be, in octets.
const MaxIdentity = 4 << 10

// maxNumbers is how many numbers a destination claim may have.
const maxNumbers = 32

// Errors of Parse and Verify; they are wrapped with what was seen.
var (
	// ErrMalformed says that the header cannot be read.
	ErrMalformed = errors.New("the Identity header is malformed")
	// ErrUnsupported says that it is of a kind that is not known: another
	// algorithm or another type of token.
	ErrUnsupported = errors.New("the Identity header is of another kind")
	// ErrStale says that it is not of now (RFC 8224 §6.2.2, 438 and 403).
	ErrStale = errors.New("the Identity header is too old, or not valid yet")
	// ErrNumbers says that it was made for another caller or another callee.
	ErrNumbers = errors.New("the Identity header is about other numbers")
	// ErrCertificate says that the signer's certificate is not trusted (437).
	ErrCertificate = errors.New("the signer's certificate is not trusted")
	// ErrUnreachable says that the certificate could not be had (436).
	ErrUnreachable = errors.New("the signer's certificate could not be had")
	// ErrSignature says that the signature is wrong.
	ErrSignature = errors.New("the signature is wrong")
)

// Token is a PASSporT as it came; nothing in it is verified.
type Token struct {
	// X5U is where the signer's certificate is.
	X5U    string
	Attest Attestation
	// Orig is the caller's number and Dest those that were called, digits only.
	Orig   string
	Dest   []string
	Issued time.Time
	OrigID string

	signed    string // what the signature is over: header and payload
	signature []byte
}

// The members of a PASSporT (RFC 8225 §4, §5).
type (
	header struct {
		Alg string `json:"alg"`
		Ppt string `json:"ppt"`
		Typ string `json:"typ"`
		X5U string `json:"x5u"`
	}
	payload struct {
		Attest Attestation `json:"attest"`
		Dest   numbers     `json:"dest"`
		Iat    int64       `json:"iat"`
		Orig   number      `json:"orig"`
		OrigID string      `json:"origid"`
	}
	numbers struct {
		TN  []string `json:"tn,omitempty"`
		URI []string `json:"uri,omitempty"`
	}
	number struct {
		TN  string `json:"tn,omitempty"`
		URI string `json:"uri,omitempty"`
	}
)

// Parse reads an Identity header: "token;info=<url>;alg=ES256;ppt=shaken" (RFC
// 8224 §4). Only the full form is taken, as RFC 8588 wants it.
func Parse(value string) (*Token, error) {
	if len(value) > MaxIdentity {
		return nil, fmt.Errorf("%w: it has %d octets, at most %d", ErrMalformed, len(value), MaxIdentity)
	}
	part := strings.Split(strings.TrimSpace(value), ";")
	t, err := parseToken(strings.TrimSpace(part[0]))
	if err != nil {
		return nil, err
	}
	info := ""
	for _, p := range part[1:] {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		v = strings.Trim(strings.TrimSpace(v), `"`)
		switch strings.ToLower(strings.TrimSpace(k)) {
		case "info":
			info = strings.TrimSuffix(strings.TrimPrefix(v, "<"), ">")
		case "alg":
			if v != "ES256" {
				return nil, fmt.Errorf("%w: alg is not ES256", ErrUnsupported)
			}
		case "ppt":
			if v != "shaken" {
				return nil, fmt.Errorf("%w: ppt is not shaken", ErrUnsupported)
			}
		}
	}
	if info != t.X5U { // RFC 8224 §4.1: they say the same
		return nil, fmt.Errorf("%w: info is not the token's x5u", ErrMalformed)
	}
	return t, nil
}

// parseToken reads a JWS in its compact form (RFC 7515 §3.1).
func parseToken(token string) (*Token, error) {
	part := strings.Split(token, ".")
	if len(part) != 3 || part[0] == "" || part[1] == "" {
		return nil, fmt.Errorf("%w: it has no whole token", ErrMalformed)
	}
	var h header
	var p payload
	if err := decode(part[0], &h); err != nil {
		return nil, fmt.Errorf("%w: its token's header: %w", ErrMalformed, err)
	}
	if h.Alg != "ES256" || h.Typ != "passport" || h.Ppt != "shaken" {
		return nil, fmt.Errorf("%w: alg ES256, typ passport and ppt shaken are wanted", ErrUnsupported)
	}
	if err := decode(part[1], &p); err != nil {
		return nil, fmt.Errorf("%w: its token's claims: %w", ErrMalformed, err)
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(part[2])
	if err != nil || len(signature) != 64 { // RFC 7518 §3.4
		return nil, fmt.Errorf("%w: its signature has not 64 octets", ErrMalformed)
	}
	t := &Token{X5U: h.X5U, Attest: p.Attest, Orig: Canonical(p.Orig.TN), OrigID: p.OrigID, Issued: time.Unix(p.Iat, 0), signed: part[0] + "." + part[1], signature: signature}
	switch {
	case t.Attest != Full && t.Attest != Partial && t.Attest != Gateway:
		return nil, fmt.Errorf("%w: attest is not A, B or C", ErrMalformed)
	case t.Orig == "":
		return nil, fmt.Errorf("%w: it has no caller's number", ErrMalformed)
	case len(p.Dest.TN) == 0 || len(p.Dest.TN) > maxNumbers:
		return nil, fmt.Errorf("%w: it has %d called numbers", ErrMalformed, len(p.Dest.TN))
	case !goodURL(t.X5U):
		return nil, fmt.Errorf("%w: x5u is not an https address", ErrMalformed)
	}
	for _, n := range p.Dest.TN {
		t.Dest = append(t.Dest, Canonical(n))
	}
	return t, nil
}

func decode(part string, into any) error {
	b, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// goodURL says whether a certificate may be asked for there (RFC 8226 §9, ATIS-
// 1000074: https alone).
func goodURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.Fragment == ""
}

// Canonical is a telephone number as tokens have it: digits alone (RFC 8224
// §8.3); "" for what is no number.
func Canonical(number string) string {
	var b strings.Builder
	for i, r := range number {
		switch {
		case r >= '0' && r <= '9', r == '#', r == '*':
			b.WriteRune(r)
		case r == '+' && i == 0, strings.ContainsRune("-.() ", r):
		default:
			return ""
		}
	}
	if b.Len() > 32 {
		return ""
	}
	return b.String()
}
