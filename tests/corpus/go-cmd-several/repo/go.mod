module github.com/acme/ledger

go 1.21

toolchain go1.22.3

require (
	github.com/gin-gonic/gin v1.9.1
	github.com/jackc/pgx/v5 v5.5.0
	github.com/mattn/go-sqlite3 v1.14.22 // indirect
)
