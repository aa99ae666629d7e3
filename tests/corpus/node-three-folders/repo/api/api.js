app.listen(5055)
