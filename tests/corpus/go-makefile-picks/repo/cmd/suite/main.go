package main

func main() { http.ListenAndServe(":8123", nil) }
