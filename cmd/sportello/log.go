package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/sportello-ticino/sportello/pkg/config"
)

// gatherFor is how long a line of log may wait for others: under load they go
// out together, which spares every request a call of the system. A process that
// is killed loses what waited; warnings and errors never wait.
const gatherFor = 100 * time.Millisecond

// logger writes what the settings ask for to out.
func logger(cfg config.Config, out *gathered) *slog.Logger {
	level := new(slog.LevelVar)
	_ = level.UnmarshalText([]byte(cfg.Log.Level)) // checked by config
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(urgent{slog.NewJSONHandler(out, opts), out})
	}
	return slog.New(urgent{slog.NewTextHandler(out, opts), out})
}

// stderr is where the program logs; main flushes it at the end.
var stderr = gather(os.Stderr)

// gathered is a writer that writes what it got a little later.
type gathered struct {
	mu      sync.Mutex
	buf     *bufio.Writer
	waiting bool
}

func gather(w io.Writer) *gathered { return &gathered{buf: bufio.NewWriterSize(w, 64<<10)} }

// Write takes whole lines; it fails when lines before could not be written.
func (g *gathered) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.waiting {
		g.waiting = true
		time.AfterFunc(gatherFor, g.Flush)
	}
	if len(p) > g.buf.Available() { // a line is never cut in two
		_ = g.buf.Flush() // the write below says what failed
	}
	return g.buf.Write(p)
}

// Flush writes what waits.
func (g *gathered) Flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = false
	_ = g.buf.Flush() // there is nowhere to say it
}

// urgent lets warnings and errors, and all before them, out at once.
type urgent struct {
	slog.Handler
	out *gathered
}

func (h urgent) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.out.Flush()
	}
	return err
}

func (h urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{h.Handler.WithAttrs(attrs), h.out}
}

func (h urgent) WithGroup(name string) slog.Handler { return urgent{h.Handler.WithGroup(name), h.out} }
