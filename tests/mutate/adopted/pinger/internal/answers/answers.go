// Package answers says what the pinger answers.
package answers

import "strings"

// Ping is the answer to a ping.
func Ping() string { return "pong\n" }

// Long is an answer of some length.
func Long() string { return strings.Repeat("pong ", 800) + "\n" }
