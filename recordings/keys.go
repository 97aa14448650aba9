package recordings

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"filippo.io/age"
)

// The files of DIR/keys (mode 0700; files 0600).
const (
	identityFile = "recordings.age"      // age X25519 identity that unwraps data keys
	signingFile  = "recordings.sign.pem" // Ed25519 private key, PKCS #8
	publicFile   = "recordings.pub.pem"  // its public part, PKIX: for checking elsewhere
)

// keyring is the keys of one data folder.
type keyring struct {
	identity *age.X25519Identity
	signing  ed25519.PrivateKey
}

func (k *keyring) public() ed25519.PublicKey {
	return ed25519.PublicKey(k.signing[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

// wrap encrypts a data key to the folder's identity.
func (k *keyring) wrap(dataKey []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, k.identity.Recipient())
	if err == nil {
		_, err = w.Write(dataKey)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("wrap a recording's key: %w", err)
	}
	return b.Bytes(), nil
}

// unwrap is the way back.
func (k *keyring) unwrap(wrapped []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(wrapped), k.identity)
	if err != nil {
		return nil, fmt.Errorf("unwrap the recording's key: %w", err)
	}
	key, err := io.ReadAll(io.LimitReader(r, keySize+1))
	if err != nil {
		return nil, fmt.Errorf("unwrap the recording's key: %w", err)
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("the recording's key has %d octets, not %d", len(key), keySize)
	}
	return key, nil
}

// keys loads the folder's keys when they are first needed.
type keys struct {
	dir string
	mu  sync.Mutex
	got *keyring
}

// load returns the keys; fs.ErrNotExist if there are none yet.
func (k *keys) load() (*keyring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.read()
}

// loadOrMake makes the keys that are missing.
func (k *keys) loadOrMake() (*keyring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ring, err := k.read(); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return ring, err
	}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the key folder %s: %w", k.dir, err)
	}
	if err := k.make(); err != nil {
		return nil, err
	}
	return k.read()
}

func (k *keys) read() (*keyring, error) {
	if k.got != nil {
		return k.got, nil
	}
	text, err := os.ReadFile(filepath.Join(k.dir, identityFile))
	if err != nil {
		return nil, fmt.Errorf("read the recordings' identity: %w", err)
	}
	identity, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("read the recordings' identity %s: %w", filepath.Join(k.dir, identityFile), err)
	}
	signing, err := readSigning(filepath.Join(k.dir, signingFile))
	if err != nil {
		return nil, err
	}
	k.got = &keyring{identity: identity, signing: signing}
	return k.got, nil
}

func readSigning(name string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the recordings' signing key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("read the recordings' signing key %s: it is not PEM", name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the recordings' signing key %s: %w", name, err)
	}
	signing, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read the recordings' signing key %s: it is a %T, not Ed25519", name, key)
	}
	return signing, nil
}

// make writes what is missing; what another process made first stays.
func (k *keys) make() error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("make the recordings' identity: %w", err)
	}
	if err := k.write(identityFile, []byte(identity.String()+"\n")); err != nil {
		return err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make the recordings' signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("make the recordings' signing key: %w", err)
	}
	if err := k.write(signingFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return err
	}
	signing, err := readSigning(filepath.Join(k.dir, signingFile)) // perhaps another process's
	if err != nil {
		return err
	}
	der, err = x509.MarshalPKIXPublicKey(signing.Public())
	if err != nil {
		return fmt.Errorf("make the recordings' public key: %w", err)
	}
	return k.write(publicFile, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// write makes name with text whole or not at all, and leaves an existing one.
func (k *keys) write(name string, text []byte) error {
	tmp, err := os.CreateTemp(k.dir, ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the key %s: %w", name, err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // the link, if made, stays
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Link(tmp.Name(), filepath.Join(k.dir, name))
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write the key %s: %w", name, err)
	}
	return nil
}
