// Package tides knows when the water is high.
package tides

import (
	"fmt"
	"net/http"
)

// High is the hour of the next high tide.
func High(hour int) int { return (hour + 12) % 24 }

// Handler tells it.
func Handler(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%d\n", High(3)) }
