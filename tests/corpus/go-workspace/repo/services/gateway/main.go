package main

import "flag"

var port = flag.Int("port", 9191, "the port")

func main() {}
