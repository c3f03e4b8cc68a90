package seal

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/digitorus/pkcs7"
)

var (
	now     = time.Date(2026, 3, 14, 15, 30, 0, 0, time.FixedZone("CET", 3600))
	options = Options{Name: "Comune di Prova", Reason: "Sigillo dell’autorità", Location: "Prova", Time: now}
)

func testPDF(t testing.TB, pages int) []byte {
	t.Helper()
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetCreationDate(now)
	for range pages {
		doc.AddPage()
		doc.SetFont("Helvetica", "", 12)
		doc.MultiCell(0, 6, "Certificato di prova", "", "L", false)
		doc.LinkString(10, 10, 20, 20, "https://prova.example") // a page that has annotations already
	}
	var b bytes.Buffer
	if err := doc.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func testSigner(t testing.TB) *Local {
	t.Helper()
	l, err := Generate(pkix.Name{CommonName: "Sigillo di prova", Organization: []string{"Comune di Prova"}, Country: []string{"CH"}}, now, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func sealed(t testing.TB, signer Signer) []byte {
	t.Helper()
	out, err := Seal(context.Background(), testPDF(t, 2), signer, options)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func genuine(pdf []byte) bool {
	r, err := Verify(pdf)
	return err == nil && r.Genuine()
}

// chained is an RSA key under an authority, as bought certificates are.
func chained(t testing.TB) *Local {
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Autorità di prova"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Sigillo RSA"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	make := func(template, parent *x509.Certificate, public any) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, caKey)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	caCert := make(ca, ca, caKey.Public())
	l, err := NewLocal(key, make(leaf, caCert, key.Public()), caCert)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSealedFileVerifies(t *testing.T) {
	for name, signer := range map[string]*Local{"self-signed P-256": testSigner(t), "RSA under an authority": chained(t)} {
		t.Run(name, func(t *testing.T) {
			pdf := sealed(t, signer)
			r, err := Verify(pdf)
			if err != nil || !r.Genuine() || r.Problem != "" {
				t.Fatalf("%+v, %v", r, err)
			}
			if r.Subject != signer.Certificate().Subject.String() || !r.Time.Equal(now) || r.Name != options.Name ||
				r.Reason != options.Reason || r.Location != options.Location || len(r.Fingerprint) != 64 {
				t.Errorf("report %+v", r)
			}
			if original := testPDF(t, 2); !bytes.HasPrefix(pdf, original) {
				t.Error("sealing changed the document's own bytes")
			}
			if out := pdfsig(t, pdf); !strings.Contains(out, "Signature is Valid") || !strings.Contains(out, "Total document signed") ||
				!strings.Contains(out, "ETSI.CAdES.detached") {
				t.Errorf("pdfsig disagrees:\n%s", out)
			}
		})
	}
}

// The CMS is checked by a library that is not ours, and lacks signing-time.
func TestCMSReadByAnotherLibrary(t *testing.T) {
	pdf := sealed(t, testSigner(t))
	f, err := open(pdf)
	if err != nil {
		t.Fatal(err)
	}
	signature, at, err := f.signature()
	if err != nil {
		t.Fatal(err)
	}
	gap, end, err := byteRange(pdf, *signature, at)
	if err != nil || end != len(pdf) {
		t.Fatal(gap, end, err)
	}
	der, err := contents(pdf[gap.from:gap.to])
	if err != nil {
		t.Fatal(err)
	}
	p7, err := pkcs7.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	p7.Content = append(append([]byte{}, pdf[:gap.from]...), pdf[gap.to:]...)
	if err := p7.Verify(); err != nil {
		t.Errorf("pkcs7: %v", err)
	}
	var when time.Time
	if err := p7.UnmarshalSignedAttribute(pkcs7.OIDAttributeSigningTime, &when); err == nil {
		t.Error("signing-time beside M: not the PAdES baseline")
	}
	p7.Content[10] ^= 1
	if err := p7.Verify(); err == nil {
		t.Error("pkcs7 accepts changed content")
	}
}

// One changed byte, wherever it is, is noticed. A bare flip of the last bit
// and a change of letter case are the two that careless readers overlook.
func TestChangedByteIsNoticed(t *testing.T) {
	for name, signer := range map[string]*Local{"P-256": testSigner(t), "chain": chained(t)} {
		pdf := sealed(t, signer)
		for i := range pdf {
			for _, mask := range []byte{0x01, 0x20} {
				pdf[i] ^= mask
				if genuine(pdf) {
					t.Errorf("%s: byte %d of %d changed by %#x: still genuine", name, i, len(pdf), mask)
				}
				pdf[i] ^= mask
			}
		}
		if !genuine(pdf) {
			t.Fatal("the loop left a change behind")
		}
	}
}

func TestPdfsigAgreesOnChanges(t *testing.T) {
	pdf := sealed(t, testSigner(t))
	original := len(testPDF(t, 2))
	for _, i := range []int{20, original / 2, bytes.Index(pdf, []byte("/Name <FEFF")) + 20, bytes.Index(pdf, []byte("/M (D:")) + 12} {
		changed := bytes.Clone(pdf)
		changed[i] ^= 1
		if out := pdfsig(t, changed); strings.Contains(out, "Signature is Valid") || genuine(changed) {
			t.Errorf("byte %d changed:\n%s", i, out)
		}
	}
}

func TestAddedBytesAreNoticed(t *testing.T) {
	pdf := sealed(t, testSigner(t))
	for name, tail := range map[string]string{"a newline": "\n", "a comment": "% nothing\n", "another end": "\nstartxref\n0\n%%EOF\n"} {
		if genuine(append(bytes.Clone(pdf), tail...)) {
			t.Errorf("%s appended: still genuine", name)
		}
	}
}

// A second revision that is itself in order: the signature stays intact, and
// the report says that it no longer covers the file.
func TestSecondRevisionIsNoticed(t *testing.T) {
	pdf := sealed(t, testSigner(t))
	f, err := open(pdf)
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := f.dict(f.trailer.get("Root"))
	if err != nil {
		t.Fatal(err)
	}
	pageRef, page, err := f.firstPage(catalog)
	if err != nil {
		t.Fatal(err)
	}
	page = page.clone()
	page.set("Rotate", raw("180"))
	b := bytes.NewBuffer(bytes.Clone(pdf))
	offset := b.Len()
	fmt.Fprintf(b, "%d %d obj\n", pageRef.num, pageRef.gen)
	write(b, page)
	b.WriteString("\nendobj\n")
	size, _ := number(f.trailer.get("Size"))
	writeTable(b, f, map[int]int{pageRef.num: offset}, size, f.trailer.get("Root").(ref))
	r, err := Verify(b.Bytes())
	if err != nil || r.Genuine() || !r.Intact || r.CoversFile {
		t.Errorf("%+v, %v", r, err)
	}
	if out := pdfsig(t, b.Bytes()); !strings.Contains(out, "Not total document signed") {
		t.Errorf("pdfsig disagrees:\n%s", out)
	}
}

func TestSealRefuses(t *testing.T) {
	signer := testSigner(t)
	ctx := context.Background()
	if _, err := Seal(ctx, sealed(t, signer), signer, options); !errors.Is(err, ErrSealed) {
		t.Errorf("sealed twice: %v", err)
	}
	if _, err := Seal(ctx, []byte("GIF89a"), signer, options); !errors.Is(err, ErrNotPDF) {
		t.Errorf("not a PDF: %v", err)
	}
	if _, err := Seal(ctx, testPDF(t, 1), signer, Options{}); err == nil {
		t.Error("sealed without a time")
	}
	late := options
	late.Time = now.Add(48 * time.Hour)
	if _, err := Seal(ctx, testPDF(t, 1), signer, late); err == nil {
		t.Error("sealed with an expired certificate")
	}
	for name, f := range map[string]func([]byte) ([]byte, error){
		"failure":       func([]byte) ([]byte, error) { return nil, errors.New("away") },
		"too long":      func([]byte) ([]byte, error) { return make([]byte, signer.MaxSize()+1), nil },
		"nonsense":      func([]byte) ([]byte, error) { return []byte{0x30, 0x00}, nil },
		"other digest":  func([]byte) ([]byte, error) { return signer.SignDigest(ctx, make([]byte, 32)) },
		"signs nothing": func([]byte) ([]byte, error) { return nil, nil },
	} {
		if _, err := Seal(ctx, testPDF(t, 1), remote{signer.MaxSize(), f}, options); err == nil {
			t.Errorf("signer with %s: sealed", name)
		}
	}
}

type remote struct {
	size int
	sign func([]byte) ([]byte, error)
}

func (r remote) SignDigest(_ context.Context, digest []byte) ([]byte, error) { return r.sign(digest) }
func (r remote) MaxSize() int                                                { return r.size }

func TestPKCS12RoundTrip(t *testing.T) {
	l := chained(t)
	data, err := l.PKCS12("parola segreta")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPKCS12(data, "sbagliata"); err == nil || strings.Contains(err.Error(), "sbagliata") {
		t.Errorf("wrong password: %v", err)
	}
	again, err := OpenPKCS12(data, "parola segreta")
	if err != nil {
		t.Fatal(err)
	}
	if !genuine(sealed(t, again)) {
		t.Error("a key that was stored does not seal")
	}
	other := testSigner(t)
	if _, err := NewLocal(other.key, l.cert); err == nil {
		t.Error("key and certificate of different people accepted")
	}
}

// Whatever bytes come, Verify answers; cut and mixed files are never genuine.
func TestHostileFiles(t *testing.T) {
	pdf := sealed(t, testSigner(t))
	random := mathrand.New(mathrand.NewPCG(1, 2))
	for range 3000 {
		mutant := bytes.Clone(pdf)
		switch random.IntN(3) {
		case 0:
			mutant = mutant[:random.IntN(len(mutant))]
		case 1:
			from, to := random.IntN(len(pdf)), random.IntN(len(pdf))
			copy(mutant[to:], pdf[from:min(from+200, len(pdf))])
		case 2:
			for range 8 {
				mutant[random.IntN(len(mutant))] = byte(random.IntN(256))
			}
		}
		if !bytes.Equal(mutant, pdf) && genuine(mutant) {
			t.Fatal("a mutilated file is genuine")
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(sealed(f, testSigner(f)))
	f.Add([]byte("%PDF-1.3\nxref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R/Prev 9>>startxref\n9\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if genuine(data) && genuine(append(bytes.Clone(data), '\n')) {
			t.Error("genuine before and after a byte was added")
		}
		_, _ = Seal(context.Background(), data, remote{10, func([]byte) ([]byte, error) { return nil, nil }}, options)
	})
}

func BenchmarkSeal(b *testing.B) {
	signer, pdf := testSigner(b), testPDF(b, 2)
	for b.Loop() {
		if _, err := Seal(context.Background(), pdf, signer, options); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	pdf := sealed(b, testSigner(b))
	for b.Loop() {
		if !genuine(pdf) {
			b.Fatal("not genuine")
		}
	}
}

// pdfsig asks poppler's verifier, the second opinion of these tests.
func pdfsig(t testing.TB, pdf []byte) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "sealed.pdf")
	if err := os.WriteFile(path, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("pdfsig", path)
	cmd.Env = append(os.Environ(), "HOME="+dir) // no certificate store of whoever runs the test
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal("pdfsig is missing: install poppler-utils (make test does)")
	}
	return string(out)
}
