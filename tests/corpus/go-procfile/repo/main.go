package main

import "github.com/gin-gonic/gin"

func main() { port := os.Getenv("PORT"); gin.New().Run(":" + port) }
