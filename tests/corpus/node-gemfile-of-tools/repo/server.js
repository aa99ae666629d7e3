app.listen(4100)
