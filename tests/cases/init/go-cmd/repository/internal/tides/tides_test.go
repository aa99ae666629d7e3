package tides

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestHigh(t *testing.T) {
	text, err := os.ReadFile("testdata/high.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	if got := High(3); got != want {
		t.Fatalf("high at %d, not %d", got, want)
	}
}
