package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// progress shows the steps of long work: on a terminal one line that changes,
// elsewhere a line for each step, to be read in a log.
type progress struct {
	out   io.Writer
	slug  string
	began time.Time
	alive bool // the output is a terminal

	mu    sync.Mutex
	begun bool
}

func progressTo(w io.Writer, slug string) *progress {
	f, ok := w.(*os.File)
	return &progress{out: w, slug: slug, began: time.Now(), alive: ok && isatty.IsTerminal(f.Fd())}
}

// say is a life.Progress.
func (p *progress) say(percent int, step, note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := fmt.Sprintf("%s %3d%% %6.1fs %s %s", p.slug, percent, time.Since(p.began).Seconds(), step, note)
	if !p.alive {
		fmt.Fprintln(p.out, line)
		return
	}
	if most := 100; len(line) > most { // one that wraps could not be written over
		line = line[:most]
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", line)
	p.begun = true
}

// end leaves the last step on a terminal's line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.alive && p.begun {
		fmt.Fprintln(p.out)
		p.begun = false
	}
}
