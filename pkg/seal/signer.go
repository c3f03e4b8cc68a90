package seal

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// Signer makes the signature of a seal. Local is one; a remote sealing service
// (Swisscom All-in Signing Service, SwissSign, QuoVadis) is another.
type Signer interface {
	// SignDigest answers the detached CMS SignedData, in DER, for a SHA-256
	// digest of 32 bytes.
	SignDigest(ctx context.Context, digest []byte) ([]byte, error)
	// MaxSize is the most bytes SignDigest ever answers: so many are reserved
	// in the file before it is known.
	MaxSize() int
}

// Local signs with a key held in memory, ECDSA P-256 or RSA.
type Local struct {
	key   crypto.Signer
	cert  *x509.Certificate
	chain []*x509.Certificate
}

// NewLocal joins a key with its certificate and the certificates above it.
func NewLocal(key crypto.Signer, cert *x509.Certificate, chain ...*x509.Certificate) (*Local, error) {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(cert.PublicKey) {
		return nil, errors.New("seal: the key does not belong to the certificate")
	}
	return &Local{key: key, cert: cert, chain: chain}, nil
}

// OpenPKCS12 reads key, certificate and chain from a PKCS#12 file (.p12, .pfx).
// The error never holds the password.
func OpenPKCS12(data []byte, password string) (*Local, error) {
	key, cert, chain, err := pkcs12.DecodeChain(data, password)
	if err != nil {
		return nil, fmt.Errorf("seal: open PKCS#12: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("seal: the PKCS#12 file holds no signing key")
	}
	return NewLocal(signer, cert, chain...)
}

// PKCS12 writes key and certificates under a password, with modern algorithms.
func (l *Local) PKCS12(password string) ([]byte, error) {
	data, err := pkcs12.Modern.Encode(l.key, l.cert, l.chain, password)
	if err != nil {
		return nil, fmt.Errorf("seal: write PKCS#12: %w", err)
	}
	return data, nil
}

// Certificate is the seal's certificate.
func (l *Local) Certificate() *x509.Certificate { return l.cert }

// SignDigest implements Signer.
func (l *Local) SignDigest(_ context.Context, digest []byte) ([]byte, error) {
	return buildCMS(l.key, l.cert, l.chain, digest)
}

// MaxSize implements Signer.
func (l *Local) MaxSize() int {
	size := len(l.cert.Raw) + 1024 // attributes, identifiers and a signature of up to 512 bytes
	for _, c := range l.chain {
		size += len(c.Raw) + 64 // and its hash
	}
	return size
}

// Generate makes a new ECDSA P-256 key with a self-signed seal certificate. It
// is for demonstration and tests: a seal that others trust has a certificate
// of a recognised provider (ZertES).
func Generate(subject pkix.Name, from time.Time, valid time.Duration) (*Local, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("seal: generate key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		return nil, fmt.Errorf("seal: draw serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)),
		Subject:               subject,
		NotBefore:             from.Add(-time.Hour), // clocks of readers differ
		NotAfter:              from.Add(valid),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("seal: make certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("seal: make certificate: %w", err)
	}
	return NewLocal(key, cert)
}
