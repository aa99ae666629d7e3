package answers

import "testing"

func TestPing(t *testing.T) {
	if Ping() != "pong\n" {
		t.Fatal(Ping())
	}
}

func TestLong(t *testing.T) {
	if len(Long()) != 4001 {
		t.Fatal(len(Long()))
	}
}
