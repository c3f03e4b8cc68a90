package seal

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sort"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Own CMS rather than digitorus/pkcs7: that library always adds signing-time,
// which the PAdES baseline forbids beside the entry M, and it reads BER from
// anybody. The tests check ours against it and against pdfsig.

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	// oidSigningCertificateV2 is ESS signing-certificate-v2, RFC 5035.
	oidSigningCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}

	oidSHA256      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidRSA         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidRSASHA256   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidECDSASHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

var (
	setTag    = cbasn1.SET
	signedTag = cbasn1.Tag(0).ContextSpecific().Constructed()
	certsTag  = cbasn1.Tag(0).ContextSpecific().Constructed()
	crlsTag   = cbasn1.Tag(1).ContextSpecific().Constructed()
	extraTag  = cbasn1.Tag(1).ContextSpecific().Constructed()
)

// buildCMS signs a SHA-256 digest and answers a detached CMS SignedData (RFC
// 5652) in DER that carries the certificate and its chain.
func buildCMS(key crypto.Signer, cert *x509.Certificate, chain []*x509.Certificate, digest []byte) ([]byte, error) {
	attributes, err := signedAttributes(append([]*x509.Certificate{cert}, chain...), digest)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(attributes)
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("seal: sign: %w", err)
	}
	algorithm, withNull := oidECDSASHA256, false
	switch key.Public().(type) {
	case *ecdsa.PublicKey:
	case *rsa.PublicKey:
		algorithm, withNull = oidRSASHA256, true
	default:
		return nil, fmt.Errorf("seal: key of kind %T cannot seal", key.Public())
	}

	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(certsTag, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(setTag, func(b *cryptobyte.Builder) { addAlgorithm(b, oidSHA256, false) })
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
				b.AddASN1(certsTag, func(b *cryptobyte.Builder) {
					for _, c := range sortedCertificates(cert, chain) {
						b.AddBytes(c)
					}
				})
				b.AddASN1(setTag, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1Int64(1)
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddBytes(cert.RawIssuer)
							b.AddASN1BigInt(cert.SerialNumber)
						})
						addAlgorithm(b, oidSHA256, false)
						b.AddBytes(append([]byte{byte(signedTag)}, attributes[1:]...))
						addAlgorithm(b, algorithm, withNull)
						b.AddASN1OctetString(signature)
					})
				})
			})
		})
	})
	return b.Bytes()
}

// signedAttributes is the DER SET OF the three attributes: what is signed. The
// hashes of the whole chain are among it, the signer's first, so that not one
// byte of the certificates can be exchanged.
func signedAttributes(chain []*x509.Certificate, digest []byte) ([]byte, error) {
	attribute := func(oid asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) ([]byte, error) {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			b.AddASN1(setTag, value)
		})
		return b.Bytes()
	}
	contentType, err1 := attribute(oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
	messageDigest, err2 := attribute(oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) })
	signingCert, err3 := attribute(oidSigningCertificateV2, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SigningCertificateV2
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // certs
				for _, c := range chain {
					hash := sha256.Sum256(c.Raw)
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // ESSCertIDv2, SHA-256 by default
						b.AddASN1OctetString(hash[:])
					})
				}
			})
		})
	})
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("seal: signed attributes: %w", err)
	}
	list := [][]byte{contentType, messageDigest, signingCert}
	sort.Slice(list, func(i, j int) bool { return bytes.Compare(list[i], list[j]) < 0 }) // DER of a SET OF
	var b cryptobyte.Builder
	b.AddASN1(setTag, func(b *cryptobyte.Builder) {
		for _, a := range list {
			b.AddBytes(a)
		}
	})
	return b.Bytes()
}

func sortedCertificates(cert *x509.Certificate, chain []*x509.Certificate) [][]byte {
	all := [][]byte{cert.Raw}
	for _, c := range chain {
		all = append(all, c.Raw)
	}
	sort.Slice(all, func(i, j int) bool { return bytes.Compare(all[i], all[j]) < 0 })
	return all
}

func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, withNull bool) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if withNull {
			b.AddASN1NULL()
		}
	})
}

// cms is a parsed SignedData with one signer.
type cms struct {
	certificates []*x509.Certificate
	issuer       []byte // raw name in the signer identifier
	serial       *big.Int
	attributes   []byte   // DER SET OF, as it was signed
	digest       []byte   // attribute message-digest
	certHashes   [][]byte // attribute signing-certificate-v2, the signer's first
	algorithm    asn1.ObjectIdentifier
	signature    []byte
}

var errCMS = errors.New("seal: broken CMS")

// parseCMS reads exactly what buildCMS and the remote sealing services write:
// DER, SHA-256, one signer, no content. Every byte is accounted for.
func parseCMS(der []byte) (*cms, error) {
	c := &cms{}
	var outer, explicit, signed, digests, content, certificates, signers, info cryptobyte.String
	var oid asn1.ObjectIdentifier
	var version int
	s := cryptobyte.String(der)
	ok := s.ReadASN1(&outer, cbasn1.SEQUENCE) && s.Empty() &&
		outer.ReadASN1ObjectIdentifier(&oid) && oid.Equal(oidSignedData) &&
		outer.ReadASN1(&explicit, certsTag) && outer.Empty() &&
		explicit.ReadASN1(&signed, cbasn1.SEQUENCE) && explicit.Empty() &&
		signed.ReadASN1Integer(&version) && version == 1 &&
		signed.ReadASN1(&digests, setTag) && readAlgorithm(&digests, &oid) && oid.Equal(oidSHA256) && digests.Empty() &&
		signed.ReadASN1(&content, cbasn1.SEQUENCE) && content.ReadASN1ObjectIdentifier(&oid) && oid.Equal(oidData) && content.Empty() &&
		signed.ReadASN1(&certificates, certsTag) &&
		signed.SkipOptionalASN1(crlsTag) &&
		signed.ReadASN1(&signers, setTag) && signed.Empty() &&
		signers.ReadASN1(&info, cbasn1.SEQUENCE) && signers.Empty()
	if !ok {
		return nil, fmt.Errorf("%w: SignedData", errCMS)
	}
	for !certificates.Empty() {
		var der cryptobyte.String
		if !certificates.ReadASN1Element(&der, cbasn1.SEQUENCE) || len(c.certificates) == 8 {
			return nil, fmt.Errorf("%w: certificates", errCMS)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate: %w", errCMS, err)
		}
		c.certificates = append(c.certificates, cert)
	}
	var identifier, issuer, attributes cryptobyte.String
	c.serial = new(big.Int)
	ok = info.ReadASN1Integer(&version) && version == 1 &&
		info.ReadASN1(&identifier, cbasn1.SEQUENCE) && identifier.ReadASN1Element(&issuer, cbasn1.SEQUENCE) &&
		identifier.ReadASN1Integer(c.serial) && identifier.Empty() &&
		readAlgorithm(&info, &oid) && oid.Equal(oidSHA256) &&
		info.ReadASN1Element(&attributes, signedTag) &&
		readAlgorithm(&info, &c.algorithm) &&
		info.ReadASN1Bytes(&c.signature, cbasn1.OCTET_STRING) &&
		info.SkipOptionalASN1(extraTag) && info.Empty()
	if !ok {
		return nil, fmt.Errorf("%w: SignerInfo", errCMS)
	}
	c.issuer = issuer
	c.attributes = append([]byte{byte(setTag)}, attributes[1:]...)
	return c, c.readAttributes()
}

func readAlgorithm(s *cryptobyte.String, oid *asn1.ObjectIdentifier) bool {
	var alg cryptobyte.String
	if !s.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(oid) {
		return false
	}
	if alg.Empty() {
		return true
	}
	var null cryptobyte.String
	return alg.ReadASN1(&null, cbasn1.NULL) && null.Empty() && alg.Empty()
}

func (c *cms) readAttributes() error {
	var set cryptobyte.String
	s := cryptobyte.String(c.attributes)
	if !s.ReadASN1(&set, setTag) {
		return fmt.Errorf("%w: signed attributes", errCMS)
	}
	seen := map[string]bool{}
	for !set.Empty() {
		var attribute, values cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !set.ReadASN1(&attribute, cbasn1.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&oid) ||
			!attribute.ReadASN1(&values, setTag) || !attribute.Empty() || seen[oid.String()] {
			return fmt.Errorf("%w: signed attribute", errCMS)
		}
		seen[oid.String()] = true
		ok := true
		switch {
		case oid.Equal(oidContentType):
			var kind asn1.ObjectIdentifier
			ok = values.ReadASN1ObjectIdentifier(&kind) && kind.Equal(oidData) && values.Empty()
		case oid.Equal(oidMessageDigest):
			ok = values.ReadASN1Bytes(&c.digest, cbasn1.OCTET_STRING) && values.Empty()
		case oid.Equal(oidSigningCertificateV2):
			var v2, certs cryptobyte.String
			ok = values.ReadASN1(&v2, cbasn1.SEQUENCE) && values.Empty() && v2.ReadASN1(&certs, cbasn1.SEQUENCE)
			for ok && !certs.Empty() {
				var id cryptobyte.String
				var hash []byte
				if ok = certs.ReadASN1(&id, cbasn1.SEQUENCE) && id.ReadASN1Bytes(&hash, cbasn1.OCTET_STRING); ok {
					c.certHashes = append(c.certHashes, hash)
				}
			}
		}
		if !ok {
			return fmt.Errorf("%w: attribute %s", errCMS, oid)
		}
	}
	if !seen[oidContentType.String()] || !seen[oidMessageDigest.String()] || !seen[oidSigningCertificateV2.String()] {
		return fmt.Errorf("%w: a signed attribute of the baseline is missing", errCMS)
	}
	return nil
}

// verify checks the signature over the attributes, that they name this digest
// and this certificate, and that every other certificate belongs to its chain.
func (c *cms) verify(digest []byte) (*x509.Certificate, error) {
	var signer *x509.Certificate
	for _, cert := range c.certificates {
		if bytes.Equal(cert.RawIssuer, c.issuer) && cert.SerialNumber.Cmp(c.serial) == 0 {
			signer = cert
		}
	}
	if signer == nil {
		return nil, errors.New("seal: the signer's certificate is missing")
	}
	if len(c.certHashes) == 0 || !matches(signer, c.certHashes[:1]) {
		return signer, errors.New("seal: signed with another certificate")
	}
	algorithm := x509.UnknownSignatureAlgorithm
	switch {
	case c.algorithm.Equal(oidECDSASHA256):
		algorithm = x509.ECDSAWithSHA256
	case c.algorithm.Equal(oidRSA), c.algorithm.Equal(oidRSASHA256):
		algorithm = x509.SHA256WithRSA
	}
	if err := signer.CheckSignature(algorithm, c.attributes, c.signature); err != nil {
		return signer, fmt.Errorf("seal: signature: %w", err)
	}
	if subtle.ConstantTimeCompare(digest, c.digest) != 1 {
		return signer, errors.New("seal: the content was changed")
	}
	return signer, c.checkChain(signer)
}

func matches(cert *x509.Certificate, hashes [][]byte) bool {
	sum := sha256.Sum256(cert.Raw)
	return slices.ContainsFunc(hashes, func(h []byte) bool { return bytes.Equal(h, sum[:]) })
}

// checkChain climbs from the signer by issuer names, verifying each signature.
// Every certificate must be climbed over. Where the signer named the hashes of
// more than its own certificate, those of all must be among them; services
// that name only their own leave the topmost certificate to its signature.
func (c *cms) checkChain(signer *x509.Certificate) error {
	climbed := map[*x509.Certificate]bool{}
	for at := signer; at != nil && !climbed[at]; {
		climbed[at] = true
		if len(c.certHashes) > 1 && !matches(at, c.certHashes) {
			return fmt.Errorf("seal: certificate of %s was exchanged", at.Subject)
		}
		if bytes.Equal(at.RawIssuer, at.RawSubject) { // self-signed: the end
			if err := at.CheckSignature(at.SignatureAlgorithm, at.RawTBSCertificate, at.Signature); err != nil {
				return fmt.Errorf("seal: certificate of %s: %w", at.Subject, err)
			}
			break
		}
		var issuer *x509.Certificate
		for _, cert := range c.certificates {
			if bytes.Equal(cert.RawSubject, at.RawIssuer) {
				issuer = cert
			}
		}
		if issuer != nil {
			if err := at.CheckSignatureFrom(issuer); err != nil {
				return fmt.Errorf("seal: certificate of %s: %w", at.Subject, err)
			}
		}
		at = issuer
	}
	if len(climbed) != len(c.certificates) {
		return errors.New("seal: a certificate that does not belong to the chain")
	}
	return nil
}
