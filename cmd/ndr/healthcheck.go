package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ndr/configs"
)

// healthTimeout is how long a healthcheck waits by default, longer than the process looks at its dependencies.
const healthTimeout = readyTimeout + time.Second

func healthcheckCommand(io stdio) *cobra.Command {
	var config, listen string
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a running process whether it is ready",
		Long: `Healthcheck asks /readyz of the admin address of a process on this machine, for the health checks of containers. The
exit code is 0 when it is ready, else 1 with the reasons on stderr.`,
		Example: `  ndr healthcheck
  ndr healthcheck --listen 127.0.0.1:9090
  ndr healthcheck --config /etc/ndr/ndr.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			address, err := adminAddress(config, listen)
			if err != nil {
				return err
			}
			if err := ready(cmd.Context(), address, timeout); err != nil {
				return err
			}
			_, err = fmt.Fprintln(io.out, "ready")
			return err
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file of the process, for admin.listen")
	c.Flags().StringVar(&listen, "listen", "", "admin.listen of the process (default: of --config or NDR__ADMIN__LISTEN, else 127.0.0.1:9090)")
	c.Flags().DurationVar(&timeout, "timeout", healthTimeout, "how long to wait for the answer")
	return c
}

// adminAddress is where a process that listens on admin.listen can be asked from the same machine.
func adminAddress(config, listen string) (string, error) {
	if listen == "" {
		f := rootFlags{config: config}
		if config == "" {
			f.root = "file:///" // not looked at
		}
		cfg, err := f.load()
		if err != nil {
			return "", err
		}
		listen = cfg.Admin.Listen
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", usageError{fmt.Errorf("--listen %s: want host:port: %w", listen, err)}
	}
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a == netip.IPv4Unspecified() {
		host = "127.0.0.1"
	} else if err == nil && a == netip.IPv6Unspecified() {
		host = "::1"
	}
	return net.JoinHostPort(host, port), nil
}

// ready asks once; the error names the reasons.
func ready(ctx context.Context, address string, timeout time.Duration) error {
	client := http.Client{Timeout: timeout, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("check health: %w", err)
	}
	resp, err := client.Do(req)
	if os.IsTimeout(err) {
		return fmt.Errorf("check health: no answer from %s within %s", address, configs.FormatDuration(timeout)) // not ready, and no more than that
	}
	if err != nil {
		return fmt.Errorf("check health: %w", err)
	}
	defer resp.Body.Close()
	reasons, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check health: not ready (%s): %w", resp.Status, err)
	}
	return fmt.Errorf("check health: not ready (%s): %s", resp.Status, strings.TrimSpace(string(reasons)))
}
