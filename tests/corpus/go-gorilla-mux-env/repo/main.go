package main

func main() {
	addr := getEnv("HTTP_PORT", "8181")
	r.HandleFunc("/ping", ping)
}
