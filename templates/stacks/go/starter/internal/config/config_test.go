package config_test

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"starter-service/internal/config"
)

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

func TestLoad(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want config.Config
	}{
		{
			name: "defaults",
			want: config.Config{Env: "development", LogLevel: slog.LevelInfo, Port: 8080},
		},
		{
			name: "everything set",
			env:  map[string]string{"APP_ENV": "production", "LOG_LEVEL": "debug", "PORT": "9000"},
			want: config.Config{Env: "production", LogLevel: slog.LevelDebug, Port: 9000},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := config.Load(lookup(tt.env))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("configuration differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadRefusesNonsense(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want string
	}{
		{"no port", map[string]string{"PORT": ""}, `PORT makes no sense: ""`},
		{"port by name", map[string]string{"PORT": "http"}, `PORT makes no sense: "http"`},
		{"negative port", map[string]string{"PORT": "-1"}, `PORT makes no sense: "-1"`},
		{"port too high", map[string]string{"PORT": "65536"}, `PORT makes no sense: "65536"`},
		{
			"every mistake",
			map[string]string{"LOG_LEVEL": "loud", "PORT": "http"},
			"LOG_LEVEL makes no sense: \"loud\"\nPORT makes no sense: \"http\"",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(lookup(tt.env))
			if err == nil {
				t.Fatal("Load took it")
			}
			if got := err.Error(); got != tt.want {
				t.Errorf("got error %q, want %q", got, tt.want)
			}
		})
	}
}
