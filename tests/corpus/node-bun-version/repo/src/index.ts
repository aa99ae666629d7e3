new Elysia().listen(3030);
