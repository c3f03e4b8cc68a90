package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// options are the command line.
type options struct {
	mode   string
	lasts  time.Duration
	seed   uint64
	binary string
	before string // of side-by-side: the other program
	only   string // of faults: those whose name has this in it
}

// silent keeps the client library from telling that Redis is away: that is the drill.
type silent struct{}

// Printf does nothing.
func (silent) Printf(context.Context, string, ...any) {}

func main() {
	var o options
	flag.StringVar(&o.mode, "mode", "faults", "faults, rolling or side-by-side")
	flag.DurationVar(&o.lasts, "for", 10*time.Minute, "how long the load lasts")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "of the faults' order") //nolint:gosec // any number will do
	flag.StringVar(&o.binary, "binary", "bin/sportello", "the program")
	flag.StringVar(&o.before, "before", "", "program of the commit before (side-by-side)")
	flag.StringVar(&o.only, "only", "", "of faults: only those whose name has this in it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// run does one mode in a folder that is removed at the end.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "sportello-chaos-")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the databases run as another account when we are root
		return err
	}
	redis.SetLogger(silent{})
	began := time.Now()
	d, err := deploy(ctx, dir, o.binary)
	if err != nil {
		return errors.Join(err, logs(dir, out))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, logs(dir, out))
		}
		err = errors.Join(err, d.stop())
		if err == nil {
			err = forget(dir)
		}
	}()
	fmt.Fprintf(out, "%d communes on two clusters, two web processes and two workers are up after %s\n", len(communes), time.Since(began).Round(time.Second))
	switch o.mode {
	case "faults":
		return faults(ctx, d, o, out)
	case "rolling":
		return rolling(ctx, d, o, out)
	case "side-by-side":
		return sideBySide(ctx, d, o, out)
	}
	return fmt.Errorf("unknown mode %q", o.mode)
}

func faults(ctx context.Context, d *deployment, o options, out io.Writer) error {
	c, err := newCrowd(ctx, d, true)
	if err != nil {
		return err
	}
	dr := &drill{deployment: d, lasts: o.lasts, only: o.only, random: rand.New(rand.NewPCG(o.seed, 1)), count: map[string]int{}} //nolint:gosec // a drill, not a key
	fmt.Fprintf(out, "faults for %s under %d clients (seed %d)\n", o.lasts, clients, o.seed)
	stop, enough := context.WithCancel(ctx)
	last, end := context.WithCancel(ctx)
	defer end()
	harm := make(chan error, 1)
	go func() {
		harm <- dr.run(ctx)
		enough()
		time.AfterFunc(time.Minute, end) // for those who have begun
	}()
	c.run(last, stop, clients)
	if err := <-harm; err != nil {
		return err
	}
	settled := c.settled(ctx, max(3*time.Minute, o.lasts/4))
	t, err := c.count(ctx)
	if err != nil {
		return errors.Join(settled, err)
	}
	c.papers(ctx, 20, t)
	for _, name := range slices.Sorted(maps.Keys(dr.count)) {
		fmt.Fprintf(out, "%4d × %s\n", dr.count[name], name)
	}
	return errors.Join(settled, c.report(out, t), errors.Join(dr.errs...))
}

// report prints the counts; it fails when something is not as it must be.
func (c *crowd) report(out io.Writer, t *tally) error {
	fmt.Fprintf(out, `%6d people, %d requests sent again
%6d submissions acknowledged, %d stored that nobody was told of, %d cases in all
%6d payments acknowledged, %d booked, %d documents
%6d receipts by mail, %d delivered, of these %d twice
%6d jobs, all done; %d lines of audit
`, len(c.people), c.again, t.Filed, t.Unanswered, t.Cases, t.Paid, t.Payments, t.Documents, t.Mails, t.Delivered, t.MailsTwice, t.Jobs, t.Audit)
	errs := slices.Clone(c.errs)
	for i, w := range t.wrong {
		if i == 30 {
			errs = append(errs, fmt.Errorf("… and %d more", len(t.wrong)-i))
			break
		}
		errs = append(errs, errors.New(w))
	}
	if t.Filed == 0 || t.Paid == 0 {
		errs = append(errs, errors.New("nothing was filed or nothing was paid: this proves nothing"))
	}
	if len(errs) == 0 {
		fmt.Fprintln(out, "nothing was lost and nothing was done twice")
	}
	return errors.Join(errs...)
}
