package main

import (
	"context"
	"embed"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"

	"example.com/tides/internal/tides"
)

//go:embed hello.txt
var files embed.FS

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	hello, err := files.ReadFile("hello.txt")
	if err != nil {
		log.Fatal(err)
	}
	router := chi.NewRouter()
	router.Get("/healthz", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK) })
	router.Get("/", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(hello) })
	router.Get("/tides", tides.Handler)
	server := &http.Server{Addr: ":" + port, Handler: router}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go func() {
		<-ctx.Done()
		within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(within)
	}()
	log.Printf("listening on %s", port)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
}
