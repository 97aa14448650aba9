package recordings

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// chain seals and opens a capture's entries one after the other. It is the
// whole cryptography of entries, without a file; not safe for concurrent use.
type chain struct {
	aead   cipher.AEAD
	digest hash.Hash
	nonce  [12]byte
	n      uint64 // entries so far
	head   chainHash
}

// newChain begins after a header.
func newChain(dataKey, headerOctets []byte) (*chain, error) {
	key, err := hkdf.Key(sha256.New, dataKey, nil, "callfloor capture entries v1", keySize)
	if err != nil {
		return nil, fmt.Errorf("derive a capture's entry key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use a capture's entry key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("use a capture's entry key: %w", err)
	}
	return &chain{aead: aead, digest: sha256.New(), head: sha256.Sum256(headerOctets)}, nil
}

// seal turns b, lengthSize octets of room and then a plain text, into the next
// entry, in place where b has room for the tag.
func (c *chain) seal(b []byte) ([]byte, error) {
	if len(b) <= lengthSize || len(b)-lengthSize+tagSize > maxEntry {
		return nil, fmt.Errorf("seal an entry of %d octets: it may have 1 to %d", len(b)-lengthSize, maxEntry-tagSize)
	}
	c.n++
	binary.BigEndian.PutUint64(c.nonce[4:], c.n)
	out := c.aead.Seal(b[:lengthSize], c.nonce[:], b[lengthSize:], c.head[:])
	binary.BigEndian.PutUint32(out, uint32(len(out)-lengthSize))
	c.advance(out)
	return out, nil
}

var errChanged = errors.New("it was changed, or another entry stands in its place")

// open opens a whole next entry, length included, in place, and returns its
// plain text, which is valid as long as b is.
func (c *chain) open(b []byte) ([]byte, error) {
	next := c.n + 1
	binary.BigEndian.PutUint64(c.nonce[4:], next)
	before := c.head
	c.advance(b) // before the octets are overwritten by their plain text
	plain, err := c.aead.Open(b[lengthSize:lengthSize], c.nonce[:], b[lengthSize:], before[:])
	if err != nil {
		c.head = before
		return nil, errChanged
	}
	c.n = next
	return plain, nil
}

// advance moves the head over the entry b.
func (c *chain) advance(b []byte) {
	c.digest.Reset()
	c.digest.Write(c.head[:])
	c.digest.Write(b)
	c.digest.Sum(c.head[:0])
}
