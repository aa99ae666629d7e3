package main

import "net/http"

func main() {
	http.HandleFunc("/", nil)
	http.ListenAndServe(":3000", nil)
}
