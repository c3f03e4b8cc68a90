package seal

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// Report is what Verify found out. A file is genuine only when Genuine says
// so; whose certificate it is, and whether that one may seal here, is for the
// caller to compare by Fingerprint.
type Report struct {
	Signed      bool // the file has a signature
	Intact      bool // the signature fits the bytes it covers
	CoversFile  bool // it covers all bytes of the file: nothing was added after
	CertInTime  bool // the certificate was valid at Time
	Subject     string
	Issuer      string
	Fingerprint string    // SHA-256 of the certificate, small hexadecimal
	Serial      string    // serial number of the certificate, small hexadecimal
	Time        time.Time // entry M: the sealing party's own statement
	Name        string
	Reason      string
	Location    string
	Problem     string // for logs, in English; empty when genuine
}

// Genuine tells whether every check passed.
func (r Report) Genuine() bool { return r.Signed && r.Intact && r.CoversFile && r.CertInTime }

// Verify checks the seal of a PDF. An error means that the bytes are no
// readable PDF (ErrNotPDF, ErrUnsupported or broken objects); a file without
// seal, or with a broken one, is a Report. No trust is decided here.
func Verify(pdf []byte) (Report, error) {
	f, err := open(pdf)
	if err != nil {
		return Report{}, err
	}
	signature, at, err := f.signature()
	if err != nil {
		return Report{}, err
	}
	if signature == nil {
		return Report{Problem: "no signature"}, nil
	}
	r := Report{
		Signed: true,
		Name:   readText(signature.get("Name")), Reason: readText(signature.get("Reason")), Location: readText(signature.get("Location")),
	}
	if s, ok := signature.get("M").(raw); ok {
		r.Time = readTime(string(s))
	}
	if err := r.check(pdf, *signature, at); err != nil {
		r.Problem = err.Error()
	}
	return r, nil
}

// signature finds the one signature dictionary through catalog and form. It
// answers nil when there is none.
func (f *file) signature() (*dict, span, error) {
	catalog, err := f.dict(f.trailer.get("Root"))
	if err != nil {
		return nil, span{}, err
	}
	if catalog.get("AcroForm") == nil {
		return nil, span{}, nil
	}
	form, err := f.dict(catalog.get("AcroForm"))
	if err != nil {
		return nil, span{}, err
	}
	fields, err := f.array(form.get("Fields"))
	if err != nil {
		return nil, span{}, err
	}
	var found *dict
	var where span
	for _, entry := range fields {
		field, err := f.dict(entry)
		if err != nil {
			return nil, span{}, err
		}
		value, ok := field.get("V").(ref)
		if field.get("FT") != name("Sig") || !ok {
			continue
		}
		o, at, err := f.at(value)
		if err != nil {
			return nil, span{}, err
		}
		d, ok := o.(dict)
		if !ok || found != nil {
			return nil, span{}, fmt.Errorf("%w: one signature expected", ErrUnsupported)
		}
		found, where = &d, at
	}
	return found, where, nil
}

// check fills in what the signature proves; its error says what failed first.
func (r *Report) check(pdf []byte, signature dict, at span) error {
	if sub := signature.get("SubFilter"); sub != name("ETSI.CAdES.detached") && sub != name("adbe.pkcs7.detached") {
		return fmt.Errorf("seal: signature of kind %v", sub)
	}
	gap, end, err := byteRange(pdf, signature, at)
	if err != nil {
		return err
	}
	der, err := contents(pdf[gap.from:gap.to])
	if err != nil {
		return err
	}
	c, err := parseCMS(der)
	if err != nil {
		return err
	}
	h := sha256.New()
	h.Write(pdf[:gap.from])
	h.Write(pdf[gap.to:end])
	cert, err := c.verify(h.Sum(nil))
	if cert != nil {
		r.describe(cert)
	}
	if err != nil {
		return err
	}
	r.Intact = true
	if r.CoversFile = end == len(pdf); !r.CoversFile {
		return fmt.Errorf("seal: %d bytes were added after the seal", len(pdf)-end)
	}
	if r.CertInTime = !r.Time.Before(cert.NotBefore) && !r.Time.After(cert.NotAfter); !r.CertInTime {
		return fmt.Errorf("seal: certificate not valid at %s", r.Time)
	}
	return nil
}

func (r *Report) describe(cert *x509.Certificate) {
	sum := sha256.Sum256(cert.Raw)
	r.Subject, r.Issuer = cert.Subject.String(), cert.Issuer.String()
	r.Fingerprint, r.Serial = hex.EncodeToString(sum[:]), cert.SerialNumber.Text(16)
}

// byteRange checks that the range is [0 a b c], that its gap is the value of
// Contents inside this very dictionary, and answers gap and end.
func byteRange(pdf []byte, signature dict, at span) (span, int, error) {
	bad := func(why string) (span, int, error) { return span{}, 0, fmt.Errorf("seal: byte range: %s", why) }
	list, _ := signature.get("ByteRange").(array)
	if len(list) != 4 {
		return bad("four numbers expected")
	}
	var n [4]int
	for i, o := range list {
		v, ok := number(o)
		if !ok || v > len(pdf) {
			return bad("number expected")
		}
		n[i] = v
	}
	gap, end := span{n[1], n[2]}, n[2]+n[3]
	switch {
	case n[0] != 0 || gap.from >= gap.to || end > len(pdf):
		return bad("outside of the file")
	case gap.from < at.from || gap.to > at.to:
		return bad("gap outside of the signature")
	}
	value, _ := signature.get("Contents").(raw)
	before := bytes.TrimRight(pdf[at.from:gap.from], " \r\n\t")
	if string(value) != string(pdf[gap.from:gap.to]) || !bytes.HasSuffix(before, []byte("/Contents")) {
		return bad("gap is not the signature")
	}
	return gap, end, nil
}

// contents decodes "<hex>" strictly: small digits, one DER value, then zeros.
// Otherwise somebody could change the file there without breaking the seal.
func contents(hexString []byte) ([]byte, error) {
	n := len(hexString)
	if n < 4 || hexString[0] != '<' || hexString[n-1] != '>' || bytes.ContainsAny(hexString, "ABCDEF") {
		return nil, fmt.Errorf("%w: contents", errCMS)
	}
	decoded := make([]byte, hex.DecodedLen(n-2))
	if _, err := hex.Decode(decoded, hexString[1:n-1]); err != nil {
		return nil, fmt.Errorf("%w: contents: %w", errCMS, err)
	}
	var value asn1.RawValue
	padding, err := asn1.Unmarshal(decoded, &value)
	if err != nil {
		return nil, fmt.Errorf("%w: contents: %w", errCMS, err)
	}
	if len(bytes.Trim(padding, "\x00")) != 0 {
		return nil, fmt.Errorf("%w: bytes after the signature", errCMS)
	}
	return value.FullBytes, nil
}

// readText reads the text strings that Seal and common programs write; what it
// does not understand is empty. It is shown, never relied on.
func readText(o object) string {
	s, _ := o.(raw)
	if inner, ok := strings.CutPrefix(string(s), "<"); ok {
		b, err := hex.DecodeString(strings.TrimSuffix(inner, ">"))
		if err != nil || len(b) < 2 || len(b)%2 != 0 || b[0] != 0xFE || b[1] != 0xFF {
			return ""
		}
		units := make([]uint16, 0, len(b)/2)
		for i := 2; i < len(b); i += 2 {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		}
		return string(utf16.Decode(units))
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(string(s), "("), ")")
	if strings.ContainsFunc(inner, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' }) {
		return ""
	}
	return inner
}

func readTime(s string) time.Time {
	s = strings.ReplaceAll(strings.Trim(s, "()"), "'", "")
	for _, layout := range []string{"D:20060102150405-0700", "D:20060102150405Z", "D:20060102150405"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}
