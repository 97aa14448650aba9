package media

import "slices"

// Protection says how a leg's media is encrypted: by keys that the
// descriptions carried (SDES, RFC 4568) or by a handshake on the media path
// (DTLS-SRTP, RFC 5763). The zero value is plain RTP.
type Protection struct {
	// Send and Receive are the keys of SDES.
	Send, Receive Key
	// DTLS, if there, wants a handshake; the keys come from it.
	DTLS *Handshake
}

// Handshake is what the descriptions said of DTLS.
type Handshake struct {
	// Active: we begin, as the client (RFC 4145 §4). Otherwise the far end does.
	Active bool
	// Fingerprints are those that the far end announced for its certificate;
	// one of them must fit.
	Fingerprints []Fingerprint
}

// Fingerprint is a certificate's hash as SDP writes it (RFC 8122 §5).
type Fingerprint struct {
	Hash  string // "sha-256"
	Value string // "4A:AD:…", upper case
}

// Zero says whether p is plain RTP.
func (p Protection) Zero() bool { return !p.Send.Valid() && p.DTLS == nil }

func (h *Handshake) equal(o *Handshake) bool {
	return h != nil && o != nil && h.Active == o.Active && slices.Equal(h.Fingerprints, o.Fingerprints)
}

// protector is a session's encryption at a time. A nil *protector is plain RTP;
// one without seal and open has no keys yet, and then nothing is sent and
// nothing is heard.
type protector struct {
	seal *Sealer
	open *Opener
	name string // "AEAD_AES_128_GCM (SDES)"
	// muxed: RTCP is encrypted with these keys only on the RTP port. DTLS
	// would want a second handshake for a port of RTCP's own (RFC 5764 §4.1);
	// we do without RTCP there.
	muxed bool
}
