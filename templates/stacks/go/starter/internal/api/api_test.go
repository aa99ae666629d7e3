package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"starter-service/internal/api"
)

func get(path string, log *slog.Logger) *httptest.ResponseRecorder {
	response := httptest.NewRecorder()
	api.New(log).ServeHTTP(response, httptest.NewRequest(http.MethodGet, path, nil))
	return response
}

func decode(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return object
}

func TestAnswers(t *testing.T) {
	tests := []struct {
		path string
		want map[string]any
	}{
		{"/", map[string]any{"message": "Hello from starter-service"}},
		{"/healthz", map[string]any{"status": "ok"}},
		{"/slow?seconds=0", map[string]any{"slept": 0.0}},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			response := get(tt.path, slog.New(slog.DiscardHandler))
			if response.Code != http.StatusOK {
				t.Errorf("got status %d, want 200", response.Code)
			}
			if got := response.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("got content type %q, want application/json", got)
			}
			if diff := cmp.Diff(tt.want, decode(t, response.Body.Bytes())); diff != "" {
				t.Errorf("answer differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSlowAnswersLate(t *testing.T) {
	tests := map[string]time.Duration{
		"/slow":             2 * time.Second,
		"/slow?seconds=0.5": 500 * time.Millisecond,
		"/slow?seconds=10":  10 * time.Second,
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) {
			// In the bubble time moves on by itself as soon as everybody waits for it.
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				get(path, slog.New(slog.DiscardHandler))
				if got := time.Since(start); got != want {
					t.Errorf("it took %v, want %v", got, want)
				}
			})
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		path string
		want int
	}{
		{"/slow?seconds=", http.StatusBadRequest},
		{"/slow?seconds=soon", http.StatusBadRequest},
		{"/slow?seconds=-1", http.StatusBadRequest},
		{"/slow?seconds=10.1", http.StatusBadRequest},
		{"/slow?seconds=NaN", http.StatusBadRequest},
		{"/slow?seconds=Inf", http.StatusBadRequest},
		{"/nowhere", http.StatusNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			if got := get(tt.path, slog.New(slog.DiscardHandler)).Code; got != tt.want {
				t.Errorf("got status %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAccessLog(t *testing.T) {
	tests := []struct {
		path   string
		status float64
	}{
		{"/", http.StatusOK},
		{"/slow?seconds=soon", http.StatusBadRequest},
		{"/nowhere", http.StatusNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			var log bytes.Buffer
			get(tt.path, slog.New(slog.NewJSONHandler(&log, nil)))
			line := decode(t, log.Bytes())
			if line["msg"] != "request" || line["method"] != "GET" || line["status"] != tt.status {
				t.Errorf("got %s", &log)
			}
		})
	}

	t.Run("without probes", func(t *testing.T) {
		var log bytes.Buffer
		get("/healthz", slog.New(slog.NewJSONHandler(&log, nil)))
		if log.Len() != 0 {
			t.Errorf("got %s", &log)
		}
	})
}
