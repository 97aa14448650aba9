package recordings

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"callfloor/contact"
)

// A capture file is a header and then entries, each appended whole and never
// changed. All integers are big-endian.
//
// Header (entry number 0):
//
//	 0  8  magic
//	 8  2  format version, 1
//	10  2  length of the header in octets, its check included
//	12 26  recording ID, as in the file's name
//	38 26  contact ID
//	64  8  created, milliseconds since the epoch
//	72 32  Ed25519 public key that checks the seal
//	104 2  length of the wrapped key
//	106 …  the data key (32 random octets), wrapped by age to the X25519
//	       identity of DIR/keys; overwritten when the recording is erased
//	 … 32  check: HMAC-SHA256 under a key derived from the data key, over
//	       everything before
//
// Entry number n, from 1:
//
//	0  4  length of what follows, 17 to maxEntry
//	4  …  AES-256-GCM of the entry's plain text, and its 16 octets of tag.
//	      Nonce: 4 zero octets and n as 8 octets. Associated data: the hash
//	      of entry n-1.
//
// The hash of the header is the SHA-256 of its octets; that of entry n is the
// SHA-256 of hash n-1 followed by the octets of entry n, length included.
//
// The plain text of an entry is its kind (1 octet) and a body. Entry 1 is the
// manifest; proof entries follow it; a seal, if there is one, is the last.
const (
	magic         = "CFCAP\r\n\x1a"
	formatVersion = 1
	headerFixed   = 106
	checkSize     = sha256.Size
	maxHeader     = 4096
	keySize       = 32
	tagSize       = 16
	lengthSize    = 4
	maxEntry      = 256 << 10
)

// Kinds of entries.
const (
	kindManifest = 1 // JSON, type manifest
	kindProof    = 2 // packet records: the customer's answer to the consent question, before sample 0
	kindPackets  = 3 // packet records
	kindMark     = 4 // JSON, type Mark
	kindSeal     = 5 // 64 octets Ed25519 signature over sealContext and the JSON; JSON, type seal
)

// sealContext keeps a seal's signature from meaning anything else.
const sealContext = "callfloor capture seal v1\n"

// chainHash is the hash of a header or an entry; it covers all before it.
type chainHash [sha256.Size]byte

// header is the plain beginning of a capture.
type header struct {
	recording contact.ID
	contact   contact.ID
	created   time.Time
	public    ed25519.PublicKey
	wrapped   []byte
}

// encode lays h out and adds the check under the data key.
func (h header) encode(dataKey []byte) ([]byte, error) {
	total := headerFixed + len(h.wrapped) + checkSize
	if total > maxHeader || len(h.public) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("make a capture header: wrapped key of %d octets, public key of %d", len(h.wrapped), len(h.public))
	}
	b := make([]byte, 0, total)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint16(b, formatVersion)
	b = binary.BigEndian.AppendUint16(b, uint16(total))
	b = append(b, h.recording...)
	b = append(b, h.contact...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.created.UnixMilli()))
	b = append(b, h.public...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.wrapped)))
	b = append(b, h.wrapped...)
	check, err := headerCheck(dataKey, b)
	if err != nil {
		return nil, err
	}
	return append(b, check...), nil
}

// headerLength returns the whole header's length from its first twelve octets.
func headerLength(b []byte) (int, error) {
	if len(b) < 12 || string(b[:len(magic)]) != magic {
		return 0, errors.New("this is no capture: its first octets are not those of one")
	}
	if v := binary.BigEndian.Uint16(b[8:]); v != formatVersion {
		return 0, fmt.Errorf("capture format version %d is not known (this program knows %d)", v, formatVersion)
	}
	n := int(binary.BigEndian.Uint16(b[10:]))
	if n < headerFixed+checkSize || n > maxHeader {
		return 0, fmt.Errorf("the header says that it has %d octets", n)
	}
	return n, nil
}

// parseHeader reads a whole header; its check is not looked at yet, since that
// needs the data key.
func parseHeader(b []byte) (header, error) {
	n, err := headerLength(b)
	if err != nil {
		return header{}, err
	}
	if len(b) != n {
		return header{}, fmt.Errorf("the header has %d octets and says %d", len(b), n)
	}
	h := header{
		recording: contact.ID(b[12:38]),
		contact:   contact.ID(b[38:64]),
		created:   time.UnixMilli(int64(binary.BigEndian.Uint64(b[64:]))).UTC(),
		public:    append(ed25519.PublicKey(nil), b[72:104]...),
	}
	if wrapped := int(binary.BigEndian.Uint16(b[104:])); wrapped != n-headerFixed-checkSize {
		return header{}, fmt.Errorf("the header's wrapped key has %d octets", wrapped)
	}
	h.wrapped = append([]byte(nil), b[headerFixed:n-checkSize]...)
	if !h.recording.Valid() || !h.contact.Valid() {
		return header{}, errors.New("the header's recording or contact ID is not one")
	}
	return h, nil
}

// checkHeader says whether b, a whole header, is as its maker left it.
func checkHeader(dataKey, b []byte) error {
	want, err := headerCheck(dataKey, b[:len(b)-checkSize])
	if err != nil {
		return err
	}
	if !hmac.Equal(want, b[len(b)-checkSize:]) {
		return errors.New("the header was changed")
	}
	return nil
}

func headerCheck(dataKey, b []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, dataKey, nil, "callfloor capture header v1", keySize)
	if err != nil {
		return nil, fmt.Errorf("derive a capture's header key: %w", err)
	}
	m := hmac.New(sha256.New, key)
	m.Write(b)
	return m.Sum(nil), nil
}
