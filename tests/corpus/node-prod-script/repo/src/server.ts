app.listen(9001);
