// Package pdf lays out what a commune hands out on paper: certificates,
// decisions and receipts, on A4 after the proportions of a Swiss letter.
//
// It hides the writer (codeberg.org/go-pdf/fpdf), embeds its typeface and is
// deterministic: the same layout with the same Created gives the same bytes.
// It owns the few words that the layouts themselves print (page numbers, the
// hint beside the QR code) in Italian, German, French and English; every other
// word comes from the caller. It knows neither communes nor cases.
//
// The files are PDF 1.3 with embedded, subset fonts, title and language; they
// carry no structure tree, so they are not PDF/UA.
package pdf
