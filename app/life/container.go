package life

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A backup is one file: a tar, compressed with zstd, encrypted as a stream under
// the commune's own key. Its entries are the tables in parts of a few megabytes
// (tables/<name>/<number>, PostgreSQL's binary COPY format), the files
// (files/<key>), and at the end manifest.json. Beside it lies <file>.json with
// what may be known without the key.

const (
	partSize     = 4 << 20
	manifestName = "manifest.json"
	suffix       = ".backup"
)

// Manifest says what a backup holds.
type Manifest struct {
	Commune       string            `json:"commune"`
	At            time.Time         `json:"at"`
	SchemaVersion int64             `json:"schema_version"`
	Tables        map[string]held   `json:"tables"`
	Files         map[string]string `json:"files,omitempty"` // key → SHA-256 of the content
	FileCount     int               `json:"file_count"`
	FileBytes     int64             `json:"file_bytes"`
}

// held is one table of a backup.
type held struct {
	Columns []string `json:"columns"`
	sum
}

// Label is what lies beside a backup, readable without any key.
type Label struct {
	File          string    `json:"file"`
	Commune       string    `json:"commune"`
	At            time.Time `json:"at"`
	SchemaVersion int64     `json:"schema_version"`
	Rows          int64     `json:"rows"`
	Files         int       `json:"files"`
	Size          int64     `json:"size"`   // of the backup file, in bytes
	SHA256        string    `json:"sha256"` // of the backup file
}

// writer writes one backup file.
type writer struct {
	path   string
	file   *os.File
	sha    hash.Hash
	seal   io.WriteCloser
	zip    *zstd.Encoder
	tar    *tar.Writer
	stamp  time.Time
	buffer *bufio.Writer
}

// create begins a backup file; seal wraps what is written in the commune's key.
func create(path string, at time.Time, seal func(io.Writer) (io.WriteCloser, error)) (w *writer, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	w = &writer{path: path, sha: sha256.New(), stamp: at}
	// Another name until it is whole: a half written backup is none.
	if w.file, err = os.OpenFile(path+".part", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600); err != nil {
		return nil, err
	}
	w.buffer = bufio.NewWriterSize(io.MultiWriter(w.file, w.sha), 1<<20)
	if w.seal, err = seal(w.buffer); err != nil {
		return nil, errors.Join(err, w.abandon())
	}
	if w.zip, err = zstd.NewWriter(w.seal); err != nil {
		return nil, errors.Join(err, w.abandon())
	}
	w.tar = tar.NewWriter(w.zip)
	return w, nil
}

func (w *writer) entry(name string, data []byte) error {
	if err := w.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), ModTime: w.stamp, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := w.tar.Write(data)
	return err
}

// parts is an io.Writer whose bytes become numbered entries.
func (w *writer) parts(prefix string) *partWriter { return &partWriter{w: w, prefix: prefix} }

type partWriter struct {
	w      *writer
	prefix string
	n      int
	data   bytes.Buffer
}

func (p *partWriter) Write(b []byte) (int, error) {
	p.data.Write(b)
	if p.data.Len() >= partSize {
		return len(b), p.flush()
	}
	return len(b), nil
}

func (p *partWriter) flush() error {
	p.n++
	err := p.w.entry(fmt.Sprintf("%s/%06d", p.prefix, p.n), p.data.Bytes())
	p.data.Reset()
	return err
}

// finish writes the manifest and puts the file in its place.
func (w *writer) finish(m Manifest) (Label, error) {
	body, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return Label{}, err
	}
	for _, step := range []func() error{
		func() error { return w.entry(manifestName, body) },
		w.tar.Close, w.zip.Close, w.seal.Close, w.buffer.Flush, w.file.Sync,
	} {
		if err := step(); err != nil {
			return Label{}, err
		}
	}
	info, err := w.file.Stat()
	if err != nil {
		return Label{}, err
	}
	l := Label{File: filepath.Base(w.path), Commune: m.Commune, At: m.At, SchemaVersion: m.SchemaVersion, Files: m.FileCount,
		Size: info.Size(), SHA256: hex.EncodeToString(w.sha.Sum(nil))}
	for _, t := range m.Tables {
		l.Rows += t.Rows
	}
	if err := w.file.Close(); err != nil {
		return Label{}, err
	}
	if err := os.Rename(w.path+".part", w.path); err != nil {
		return Label{}, err
	}
	body, err = json.MarshalIndent(l, "", " ")
	if err != nil {
		return Label{}, err
	}
	return l, os.WriteFile(w.path+".json", append(body, '\n'), 0o600)
}

// abandon removes a file that did not become whole.
func (w *writer) abandon() error {
	_ = w.file.Close()
	return os.Remove(w.path + ".part")
}

// ReadLabel reads what lies beside a backup and compares the file with it.
// Errors: a file that was changed, cut or is missing.
func ReadLabel(path string) (Label, error) {
	var l Label
	body, err := os.ReadFile(path + ".json")
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(body, &l); err != nil {
		return l, fmt.Errorf("%s.json: %w", path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return l, err
	}
	defer f.Close()
	sha := sha256.New()
	n, err := io.Copy(sha, f)
	if err != nil {
		return l, err
	}
	if n != l.Size || hex.EncodeToString(sha.Sum(nil)) != l.SHA256 {
		return l, fmt.Errorf("%s is not the file that was written: its checksum differs", path)
	}
	return l, nil
}

// each reads a backup file from its beginning and hands every entry to f. The
// bytes of an entry are only there while f runs.
func each(path string, open func(io.Reader) (io.Reader, error), f func(name string, r io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := open(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		return err
	}
	unzip, err := zstd.NewReader(plain)
	if err != nil {
		return err
	}
	defer unzip.Close()
	for t := tar.NewReader(unzip); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if strings.Contains(h.Name, "..") {
			return fmt.Errorf("impossible name %q in the backup", h.Name)
		}
		if err := f(h.Name, t); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}
