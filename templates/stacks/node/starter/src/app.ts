import { setTimeout as sleep } from "node:timers/promises";
import Fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify";

const slowQuery = {
  type: "object",
  properties: {
    seconds: { type: "number", minimum: 0, maximum: 10, default: 2 },
  },
};

export function buildApp(options: FastifyServerOptions = {}): FastifyInstance {
  const app = Fastify({
    ...options,
    // Otherwise ajv lets "Infinity" past every bound.
    ajv: { customOptions: { strictNumbers: false } },
  });

  // A connection whose request was in flight at the stop would live on, idle, and hold the stop up.
  app.addHook("onSend", async (_request, reply) => {
    if (!app.server.listening) reply.header("connection", "close");
  });

  app.get("/", () => ({ message: "Hello from starter-service" }));

  // Probes come every few seconds: only what goes wrong with them is logged.
  app.get("/healthz", { logLevel: "warn" }, () => ({ status: "ok" }));

  /** Answers late, to watch a shutdown wait for it. */
  app.get<{ Querystring: { seconds: number } }>(
    "/slow",
    { schema: { querystring: slowQuery } },
    async (request) => {
      await sleep(request.query.seconds * 1000);
      return { slept: request.query.seconds };
    },
  );

  return app;
}
