// Command forget stops the private servers of a demo folder and removes the
// folder with all its data, wherever the servers keep theirs. The tests' server
// in the folder "test" is left alone.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/sportello-ticino/sportello/pkg/devstack"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: forget <folder>")
		os.Exit(2)
	}
	if err := devstack.Forget(context.Background(), os.Args[1], "test"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
