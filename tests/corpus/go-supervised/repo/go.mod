module code.example.com/forge

go 1.23.0

require github.com/flamego/flamego v1.9.4
