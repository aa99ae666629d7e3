package main

func main() {
	e.Logger.Fatal(e.Start(":1323"))
}
