// Command import reads a table of tides.
package main

import "fmt"

func main() { fmt.Println("nothing to import") }
