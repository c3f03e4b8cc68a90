// Package sheetcsv writes CSV files that a Swiss Excel opens with a double
// click: UTF-8 with a byte order mark, semicolons, CRLF (RFC 4180 otherwise).
//
// Amounts and numbers are written plain, with a point and without grouping.
// A text that a spreadsheet would run as a formula gets an apostrophe before
// it (OWASP, CSV injection).
package sheetcsv

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strings"
)

// Type is the content type of the files.
const Type = "text/csv; charset=utf-8"

var number = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// Write makes a file of a header and rows.
func Write(header []string, rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = ';', true
	if err := w.Write(header); err != nil {
		return nil, err
	}
	for _, r := range rows {
		safe := make([]string, len(r))
		for i, v := range r {
			safe[i] = harmless(v)
		}
		if err := w.Write(safe); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) && !number.MatchString(s) {
		return "'" + s
	}
	return s
}
