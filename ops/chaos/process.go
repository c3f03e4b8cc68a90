package main

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is a program that is started again whenever it ends, as an init
// system would.
type process struct {
	name    string
	environ []string
	role    string
	log     *os.File

	mu     sync.Mutex
	binary string
	cmd    *exec.Cmd
	starts int
	done   chan struct{}
	cancel context.CancelFunc
}

func startProcess(ctx context.Context, name, role, binary, logFile string, environ []string) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &process{name: name, role: role, binary: binary, log: log, environ: environ, done: make(chan struct{}), cancel: cancel}
	go p.keep(ctx)
	return p, nil
}

func (p *process) keep(ctx context.Context) {
	defer close(p.done)
	defer p.log.Close()
	for ctx.Err() == nil {
		p.mu.Lock()
		p.cmd = exec.Command(p.binary, "demo", "--role", p.role)
		p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.environ, p.log, p.log
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		err := p.cmd.Start()
		cmd := p.cmd
		p.starts++
		p.mu.Unlock()
		if err == nil {
			ended := make(chan struct{})
			go func() {
				select {
				case <-ctx.Done():
					_ = cmd.Process.Signal(syscall.SIGTERM)
					select {
					case <-ended:
					case <-time.After(30 * time.Second):
						_ = cmd.Process.Kill()
					}
				case <-ended:
				}
			}()
			_ = cmd.Wait() // how it ended is in its log
			close(ended)
		}
		wait(ctx, 300*time.Millisecond)
	}
}

// signal sends a signal to the program that runs now.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Signal(s)
	}
}

func (p *process) started() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.starts
}

// stop ends it for good.
func (p *process) stop() {
	p.cancel()
	<-p.done
}
