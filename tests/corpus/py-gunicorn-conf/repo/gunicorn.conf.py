bind = "0.0.0.0:9001"
workers = 4
