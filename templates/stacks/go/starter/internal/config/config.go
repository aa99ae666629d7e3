// Package config is the service's whole configuration, read from environment variables.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
)

// Config says where the service runs and how.
type Config struct {
	// Env is the deployment's name.
	Env string
	// LogLevel is the least severe level that is logged.
	LogLevel slog.Level
	// Port is where the service listens; on 0 the operating system takes a free one.
	Port uint16
}

// Load reads the configuration by lookup, as [os.LookupEnv]. The error names every variable whose value makes no sense.
func Load(lookup func(name string) (string, bool)) (Config, error) {
	config := Config{Env: "development", LogLevel: slog.LevelInfo, Port: 8080}
	var errs []error
	set := func(name string, parse func(value string) error) {
		if value, ok := lookup(name); ok && parse(value) != nil {
			errs = append(errs, fmt.Errorf("%s makes no sense: %q", name, value))
		}
	}
	set("APP_ENV", func(value string) error {
		config.Env = value
		return nil
	})
	set("LOG_LEVEL", func(value string) error {
		return config.LogLevel.UnmarshalText([]byte(value))
	})
	set("PORT", func(value string) error {
		port, err := strconv.ParseUint(value, 10, 16)
		config.Port = uint16(port)
		return err
	})
	return config, errors.Join(errs...)
}
