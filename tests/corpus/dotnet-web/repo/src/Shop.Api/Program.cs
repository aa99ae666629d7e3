app.MapHealthChecks("/healthz");
