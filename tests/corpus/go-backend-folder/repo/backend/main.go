package main

func main() { http.ListenAndServe(":80", nil) }
