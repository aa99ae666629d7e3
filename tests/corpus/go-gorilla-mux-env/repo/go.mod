module example.com/links

go 1.19

require (
	github.com/gorilla/mux v1.8.0
	github.com/redis/go-redis/v9 v9.0.2
)
