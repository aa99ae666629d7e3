module github.com/x/starter-go

go 1.24
