// Package api is what the service answers.
package api

import (
	"encoding/json"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// New returns the service's routes, whose access log is written to log.
func New(log *slog.Logger) http.Handler {
	router := chi.NewRouter()
	// Outside of the access log: probes come every few seconds.
	router.Get("/healthz", healthz)
	router.Group(func(router chi.Router) {
		router.Use(accessLog(log))
		router.Get("/", greeting)
		router.Get("/slow", slow)
		router.NotFound(http.NotFound)
	})
	return router
}

func greeting(w http.ResponseWriter, _ *http.Request) {
	respond(w, map[string]any{"message": "Hello from starter-service"})
}

func healthz(w http.ResponseWriter, _ *http.Request) {
	respond(w, map[string]any{"status": "ok"})
}

// slow answers late, to watch a shutdown wait for it.
func slow(w http.ResponseWriter, r *http.Request) {
	seconds := 2.0
	if query := r.URL.Query(); query.Has("seconds") {
		var err error
		seconds, err = strconv.ParseFloat(query.Get("seconds"), 64)
		if err != nil || math.IsNaN(seconds) || seconds < 0 || seconds > 10 {
			http.Error(w, "seconds must be between 0 and 10", http.StatusBadRequest)
			return
		}
	}
	select {
	case <-time.After(time.Duration(seconds * float64(time.Second))):
		respond(w, map[string]any{"slept": seconds})
	case <-r.Context().Done():
		// The client has gone.
	}
}

func respond(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	// It fails only where the client has gone, and then nobody is left to be answered.
	_ = json.NewEncoder(w).Encode(body)
}

func accessLog(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			log := log.With("method", r.Method, "path", r.URL.Path)
			log.DebugContext(r.Context(), "request started")
			start := time.Now()
			response := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			next.ServeHTTP(response, r)
			log.InfoContext(r.Context(), "request",
				"status", response.Status(), "seconds", time.Since(start).Seconds())
		})
	}
}
