// Command starter-service is a small HTTP service.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"starter-service/internal/api"
	"starter-service/internal/config"
	"starter-service/internal/server"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	config, err := config.Load(os.LookupEnv)
	if err != nil {
		return err
	}
	switch {
	case len(args) == 0:
		return serve(ctx, config)
	case len(args) == 1 && args[0] == "healthcheck":
		return healthcheck(ctx, config.Port)
	default:
		return fmt.Errorf("unknown command %q", args)
	}
}

// serve serves until SIGTERM or SIGINT.
func serve(ctx context.Context, config config.Config) error {
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: config.LogLevel}))

	// Before listening: who can reach the service can also stop it.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// A second signal ends it at once.
	context.AfterFunc(ctx, stop)

	// Without a host: all interfaces, by IPv4 and IPv6.
	listener, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(int(config.Port))))
	if err != nil {
		return err
	}
	log.Info("listening", "env", config.Env, "port", listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(ctx, listener, api.New(log), log)
}
