module hello

go 1.23.0
