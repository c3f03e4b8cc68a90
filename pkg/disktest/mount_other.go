//go:build !linux

package disktest

import "errors"

var errElsewhere = errors.New("disktest: only on Linux")

func mount(string, int) error { return errElsewhere }

func unmount(string) error { return errElsewhere }
