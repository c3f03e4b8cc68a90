// Command stop ends the PostgreSQL that the tests of this module share.
package main

import (
	"fmt"
	"os"

	"github.com/sportello-ticino/sportello/pkg/pgtest"
)

func main() {
	if err := pgtest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
