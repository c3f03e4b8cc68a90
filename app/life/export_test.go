package life

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
)

// Relabel writes a label that fits a file, as somebody would who changed it.
func Relabel(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	old, err := readLabelOnly(path + ".json")
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	old.File, old.Size, old.SHA256 = filepath.Base(path), int64(len(data)), hex.EncodeToString(sum[:])
	body, err := json.Marshal(old)
	if err != nil {
		return err
	}
	return os.WriteFile(path+".json", body, 0o600)
}
