package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"starter-service/internal/server"
)

// serve starts a server: its address, how to stop it, and what Serve returns.
func serve(t *testing.T, handler http.HandlerFunc) (address string, stop func(), returned <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener, handler, slog.New(slog.DiscardHandler)) }()
	return listener.Addr().String(), cancel, done
}

func get(client *http.Client, address string) (string, error) {
	response, err := client.Get("http://" + address)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// waitUntilRefused asks for connections until there is none to be had.
func waitUntilRefused(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		connection, err := net.Dial("tcp", address)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			connection.Close()
		}
	}
	t.Fatal("it still takes connections")
}

func TestServeFinishesWhatIsInFlight(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	address, stop, returned := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		io.WriteString(w, "whole")
	})
	type answer struct {
		body string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		body, err := get(&http.Client{}, address)
		answered <- answer{body, err}
	}()

	<-entered
	stop()
	waitUntilRefused(t, address)
	select {
	case err := <-returned:
		t.Fatalf("Serve returned %v with a request in flight", err)
	default:
	}
	close(release)
	if got := <-answered; got.err != nil || got.body != "whole" {
		t.Errorf("got %q, %v", got.body, got.err)
	}
	if err := <-returned; err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestServeClosesIdleConnections(t *testing.T) {
	address, stop, returned := serve(t, func(http.ResponseWriter, *http.Request) {})
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	if _, err := get(client, address); err != nil {
		t.Fatal(err)
	}

	// Waiting for the connection, it would give up with an error.
	stop()
	if err := <-returned; err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestServeReturnsWhatStopsTheListener(t *testing.T) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	err = server.Serve(t.Context(), listener, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve returned %v, want %v", err, net.ErrClosed)
	}
}
