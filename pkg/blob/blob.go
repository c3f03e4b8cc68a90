// Package blob keeps files: uploads and sealed papers. A caller is handed a
// scope (one per commune) and can name nothing outside it. Behind it stands
// gocloud.dev/blob: a folder (file://) or memory (mem://).
//
// With UseKeys every file is encrypted with its scope's key, bound to scope and
// key: one that is copied to another place or commune does not open. A file put
// before that has the hash of its content beside it, which is compared on every
// read. Either way a file changed on the disk is an error and not a paper.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/memblob"  // mem://
	"gocloud.dev/gcerrors"
)

var (
	// ErrNotFound means that there is no such file in the scope.
	ErrNotFound = errors.New("blob: not found")
	// ErrChanged means that the content is no longer what was put.
	ErrChanged = errors.New("blob: content differs from what was stored")
	// ErrFull means that the disk has no room for the file.
	ErrFull = errors.New("blob: no room")
	// ErrName means that a scope or key is not well formed.
	ErrName = errors.New("blob: malformed name")
)

// Bucket is the place of all files of an installation.
type Bucket struct {
	bucket *blob.Bucket
	keys   func(ctx context.Context, scope string) (Cipher, error)
	full   atomic.Int64 // when there was last no room, in Unix nanoseconds
}

// Open opens file:///folder (created if missing, for this account alone) or mem://.
func Open(ctx context.Context, address string) (*Bucket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	switch u.Scheme {
	case "mem":
	case "file":
		if err := os.MkdirAll(filepath.FromSlash(u.Path), 0o700); err != nil {
			return nil, fmt.Errorf("blob: %w", err)
		}
		q := u.Query()
		q.Set("no_tmp_dir", "true") // beside the target: a rename across disks is not atomic
		q.Set("dir_file_mode", "0700")
		u.RawQuery = q.Encode()
	default:
		return nil, fmt.Errorf("blob: %q begins with neither file:// nor mem://", address)
	}
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return &Bucket{bucket: b}, nil
}

// Close releases the bucket.
func (b *Bucket) Close() error { return b.bucket.Close() }

// For is the door to one scope. A malformed scope is refused by every use of the door.
func (b *Bucket) For(scope string) Scope {
	return Scope{bucket: b.bucket, keys: b.keys, name: scope, full: &b.full}
}

// Scope is the files of one commune. The zero value refuses everything.
type Scope struct {
	bucket *blob.Bucket
	keys   func(ctx context.Context, scope string) (Cipher, error)
	name   string
	full   *atomic.Int64
}

// fullFor is how long the disk is believed to be full after a write failed.
const fullFor = 30 * time.Second

// NoRoom tells that a file was refused for want of room within the last half minute.
func (b *Bucket) NoRoom() bool {
	at := b.full.Load()
	return at != 0 && time.Since(time.Unix(0, at)) < fullFor
}

// Object says what a file is.
type Object struct {
	Key         string
	ContentType string
	Size        int64  // bytes
	SHA256      string // of the content, 64 hex digits
}

var (
	scopeForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	keyForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._=-]*(/[A-Za-z0-9][A-Za-z0-9._=-]*)*$`)
)

const hashName = "sha256"

func (s Scope) path(key string) (string, error) {
	if s.bucket == nil || !scopeForm.MatchString(s.name) || len(key) > 500 || !keyForm.MatchString(key) || strings.HasSuffix(key, ".attrs") {
		return "", fmt.Errorf("%w: %q in scope %q", ErrName, key, s.name)
	}
	return s.name + "/" + key, nil
}

// Put stores data under key, replacing what was there. Keys are parts of letters,
// digits and ._=- parted by slashes. Errors: ErrFull.
func (s Scope) Put(ctx context.Context, key, contentType string, data []byte) (Object, error) {
	path, err := s.path(key)
	if err != nil {
		return Object{}, err
	}
	o := described(key, contentType, data)
	stored, meta, err := s.close(ctx, path, data, o.SHA256)
	if err != nil {
		return Object{}, fmt.Errorf("blob: put %s: %w", path, err)
	}
	if err := s.bucket.WriteAll(ctx, path, stored, &blob.WriterOptions{ContentType: contentType, Metadata: meta}); err != nil {
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			s.full.Store(time.Now().UnixNano())
			err = errors.Join(ErrFull, err)
		}
		return Object{}, fmt.Errorf("blob: put %s: %w", path, err)
	}
	return o, nil
}

func described(key, contentType string, data []byte) Object {
	sum := sha256.Sum256(data)
	return Object{Key: key, ContentType: contentType, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
}

// Get reads a file whole. Errors: ErrNotFound, ErrChanged, and what the scope's
// keys say.
func (s Scope) Get(ctx context.Context, key string) ([]byte, Object, error) {
	path, err := s.path(key)
	if err != nil {
		return nil, Object{}, err
	}
	data, contentType, err := s.read(ctx, path)
	// The bytes and what stands beside them are two files: while one is sealed
	// anew they may for a moment not belong together.
	for try := 0; try < 3 && errors.Is(err, ErrChanged); try++ {
		select {
		case <-ctx.Done():
			return nil, Object{}, ctx.Err()
		case <-time.After(5 * time.Millisecond << try):
		}
		data, contentType, err = s.read(ctx, path)
	}
	if err != nil {
		return nil, Object{}, err
	}
	return data, described(key, contentType, data), nil
}

func (s Scope) read(ctx context.Context, path string) (data []byte, contentType string, err error) {
	attrs, err := s.bucket.Attributes(ctx, path)
	if err != nil {
		return nil, "", convert(path, err)
	}
	stored, err := s.bucket.ReadAll(ctx, path)
	if err != nil {
		return nil, "", convert(path, err)
	}
	data, err = s.open(ctx, path, stored, attrs.Metadata[hashName])
	return data, attrs.ContentType, err
}

// Exists tells whether there is a file under key.
func (s Scope) Exists(ctx context.Context, key string) (bool, error) {
	path, err := s.path(key)
	if err != nil {
		return false, err
	}
	ok, err := s.bucket.Exists(ctx, path)
	if err != nil {
		return false, fmt.Errorf("blob: %s: %w", path, err)
	}
	return ok, nil
}

// Delete removes a file; one that is not there is removed already.
func (s Scope) Delete(ctx context.Context, key string) error {
	path, err := s.path(key)
	if err != nil {
		return err
	}
	if err := s.bucket.Delete(ctx, path); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("blob: delete %s: %w", path, err)
	}
	return nil
}

func convert(path string, err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("%w: %s", ErrNotFound, path)
	}
	return fmt.Errorf("blob: get %s: %w", path, err)
}
