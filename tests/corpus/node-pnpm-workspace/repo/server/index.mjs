serve({ fetch: app.fetch, port: 3400 });
