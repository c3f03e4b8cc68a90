package main

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sportello-ticino/sportello/pkg/config"
)

// shown is what a reader of the log has seen so far.
type shown struct {
	mu    sync.Mutex
	text  strings.Builder
	calls int
}

func (s *shown) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	return s.text.Write(p)
}

func (s *shown) read() (string, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String(), s.calls
}

// Lines of requests go out together a moment later; a warning goes out at once
// and takes those before it along. None is cut or lost.
func TestLogGathersAllButWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out shown
		log := logger(config.Config{}, gather(&out)).With("commune", "lugano")
		for range 3 {
			log.Info("request")
		}
		if text, _ := out.read(); text != "" {
			t.Errorf("a line of a request did not wait: %s", text)
		}
		time.Sleep(gatherFor + time.Millisecond)
		synctest.Wait()
		if text, calls := out.read(); strings.Count(text, "msg=request commune=lugano\n") != 3 || calls != 1 {
			t.Errorf("after a moment, in %d calls: %s", calls, text)
		}
		log.Info("before")
		log.Warn("at once")
		if text, _ := out.read(); !strings.Contains(text, "msg=before") || !strings.HasSuffix(text, "msg=\"at once\" commune=lugano\n") {
			t.Errorf("a warning waited: %s", text)
		}
		for range 2000 {
			log.Info("request", "long", strings.Repeat("x", 200))
		}
		time.Sleep(gatherFor + time.Millisecond)
		synctest.Wait()
		text, _ := out.read()
		if lines := strings.Count(text, "\n"); lines != 2005 {
			t.Errorf("%d lines, want 2005", lines)
		}
	})
}
