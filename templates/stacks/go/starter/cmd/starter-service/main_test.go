package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

// TestMain lets the test binary stand in for the service's own: with this variable it is the service.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_SERVICE") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command is the service as a process. SERVICE_BIN names its binary where the tests run apart from the build, as in
// the test container.
func command(t *testing.T, port int, args ...string) *exec.Cmd {
	t.Helper()
	binary, apart := os.LookupEnv("SERVICE_BIN")
	if !apart {
		binary = os.Args[0]
	}
	command := exec.CommandContext(t.Context(), binary, args...)
	command.Env = append(os.Environ(), "TEST_AS_SERVICE=1", "LOG_LEVEL=debug", "PORT="+strconv.Itoa(port))
	command.Stderr = os.Stderr
	return command
}

type service struct {
	*exec.Cmd
	log  *bufio.Scanner
	port int
}

// start starts the service on a free port.
func start(t *testing.T) *service {
	t.Helper()
	service := &service{Cmd: command(t, 0)}
	stdout, err := service.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		service.Process.Kill()
		service.Wait()
	})
	service.log = bufio.NewScanner(stdout)
	service.port = int(service.waitFor(t, "listening")["port"].(float64))
	return service
}

func (s *service) url(path string) string {
	return fmt.Sprintf("http://localhost:%d%s", s.port, path)
}

// waitFor reads the log up to a message.
func (s *service) waitFor(t *testing.T, message string) map[string]any {
	t.Helper()
	for s.log.Scan() {
		var line map[string]any
		if err := json.Unmarshal(s.log.Bytes(), &line); err != nil {
			t.Fatalf("%q is not a JSON object: %v", s.log.Text(), err)
		}
		if line["msg"] == message {
			return line
		}
	}
	t.Fatalf("the log ended without %q", message)
	return nil
}

// stop sends a signal and returns the exit code.
func (s *service) stop(t *testing.T, signal os.Signal) int {
	t.Helper()
	if err := s.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	// What is left of the log, before Wait closes it.
	for s.log.Scan() {
	}
	var failed *exec.ExitError
	if err := s.Wait(); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return s.ProcessState.ExitCode()
}

func TestServiceFinishesWhatIsInFlight(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			service := start(t)
			type answer struct {
				status int
				body   string
				err    error
			}
			answered := make(chan answer, 1)
			go func() {
				response, err := http.Get(service.url("/slow?seconds=1"))
				if err != nil {
					answered <- answer{err: err}
					return
				}
				defer response.Body.Close()
				body, err := io.ReadAll(response.Body)
				answered <- answer{response.StatusCode, string(body), err}
			}()

			service.waitFor(t, "request started")
			if code := service.stop(t, signal); code != 0 {
				t.Errorf("exited with %d, want 0", code)
			}
			want := answer{status: http.StatusOK, body: "{\"slept\":1}\n"}
			if got := <-answered; got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	service := start(t)
	if err := command(t, service.port, "healthcheck").Run(); err != nil {
		t.Errorf("with the service running: %v", err)
	}

	service.stop(t, syscall.SIGTERM)
	var failed *exec.ExitError
	if err := command(t, service.port, "healthcheck").Run(); !errors.As(err, &failed) || failed.ExitCode() != 1 {
		t.Errorf("with the service stopped: got %v, want exit code 1", err)
	}
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		env  string
		want string
	}{
		{"command", []string{"serve"}, "PORT=0", "error: unknown command [\"serve\"]\n"},
		{"port", nil, "PORT=http", "error: PORT makes no sense: \"http\"\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			command := command(t, 0, tt.args...)
			command.Env = append(command.Env, tt.env)
			command.Stderr = nil
			_, err := command.Output()
			var failed *exec.ExitError
			if !errors.As(err, &failed) || failed.ExitCode() != 1 {
				t.Fatalf("got %v, want exit code 1", err)
			}
			if got := string(failed.Stderr); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
