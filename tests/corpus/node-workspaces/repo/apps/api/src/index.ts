app.listen({ port: 3100, host: "0.0.0.0" });
