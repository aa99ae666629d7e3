package api

func Routes() { r.GET("/healthz", nil) }
