package main

func main() { http.ListenAndServe(":9191", nil) }
