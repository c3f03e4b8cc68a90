package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// readyCommand is for whoever watches over a process where there is no shell.
func readyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ready", Short: "Ask the process on this machine's ops address whether it is ready; exit code 1 when it is not", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := settings()
			if err != nil {
				return err
			}
			host, port, err := net.SplitHostPort(cfg.Server.OpsAddr)
			if err != nil {
				return usageError{err}
			}
			if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
				host = "127.0.0.1"
			}
			req, err := http.NewRequestWithContext(c.Context(), http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
			if err != nil {
				return err
			}
			res, err := (&http.Client{Timeout: 4 * time.Second}).Do(req)
			if err != nil {
				return fmt.Errorf("nobody answers on %s: %w", cfg.Server.OpsAddr, err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), strings.TrimSpace(string(body)))
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("not ready: %s", res.Status)
			}
			return nil
		},
	}
}
