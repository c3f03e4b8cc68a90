// Package seal puts a commune's electronic seal into a PDF and checks it.
//
// A sealed file is PAdES baseline B-B (ETSI EN 319 142-1): one incremental
// update with a signature dictionary of sub-filter ETSI.CAdES.detached, whose
// byte range covers the whole file, and a CMS with the signed attributes
// content-type, message-digest and ESS signing-certificate-v2. The moment of
// sealing stands in the dictionary's entry M; the CMS attribute signing-time
// is left out, as the baseline asks.
//
// The package signs with any Signer: Local holds a key from a PKCS#12 file, a
// remote sealing service answers the CMS for a SHA-256 digest. Qualified
// timestamps (B-T) and revocation data (B-LT) are not its concern yet.
//
// Reading is deliberately narrow: PDF files with classic cross-reference
// tables, as package pdf writes them, at most one signature, strict DER. A file
// that needs more was not sealed here.
package seal
