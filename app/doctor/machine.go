package doctor

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
)

func fileStore(_ context.Context, x *exam, _ place) error {
	u, err := url.Parse(x.Config.BlobURL())
	if err != nil {
		return fails("SPORTELLO_BLOB_URL is no address; give file:///folder")
	}
	if u.Scheme == "mem" {
		if x.Config.Demo {
			return nil
		}
		return fails("uploads and papers are kept in memory and end with the process; set SPORTELLO_BLOB_URL to file:///folder")
	}
	return x.folder(filepath.FromSlash(u.Path), "SPORTELLO_BLOB_URL", "uploads and papers cannot be kept")
}

// backupFolder is that of one commune's backups; it comes with the first one.
func backupFolder(_ context.Context, x *exam, _ place) error {
	dir := filepath.Join(x.Config.Server.Data, "backups")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return errNothing
	}
	return x.folder(dir, "SPORTELLO_DATA", "communes cannot be backed up")
}

func anchorFolder(_ context.Context, x *exam, _ place) error {
	dir := x.Config.Audit.AnchorDir
	if dir == "" {
		return warns("the heads of the audits are kept in the database alone, where its owner could change them; set SPORTELLO_AUDIT_ANCHOR_DIR to a folder on another machine")
	}
	return x.folder(dir, "SPORTELLO_AUDIT_ANCHOR_DIR", "the heads of the audits cannot be written")
}

// folder writes a file, removes it and looks how much room there is.
func (x *exam) folder(dir, setting, harm string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err == nil {
		// A few pages: a disk that is full takes an empty file still.
		_, err = f.Write(make([]byte, 64<<10))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fails("the disk of %s is full: %s; free space there, everything goes on by itself", dir, harm)
	case errors.Is(err, fs.ErrNotExist):
		return fails("the folder %s does not exist: %s; create it or correct %s", dir, harm, setting)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fails("this account may not write to %s: %s; make it the folder's owner or correct %s", dir, harm, setting)
	case err != nil:
		return fails("writing to %s failed (%v): %s; look after the disk, or correct %s", dir, err, harm, setting)
	}
	free, ok := freeBytes(dir)
	switch {
	case !ok:
		return nil
	case free < x.Need.FreeBytes:
		return fails("the disk of %s has %d MB left: %s soon; free space there", dir, free>>20, harm)
	case free/10 < x.Need.FreeBytes:
		return warns("the disk of %s has %d MB left; make room before it is full", dir, free>>20)
	}
	return nil
}
