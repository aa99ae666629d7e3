import Fastify from "fastify";

const links = new Map([["docs", "https://example.com/docs"]]);

export function build() {
  const app = Fastify({ logger: true });
  app.get("/", async () => ({ message: "Short links are served here" }));
  app.get<{ Params: { name: string } }>("/:name", async (request, reply) => {
    const link = links.get(request.params.name);
    return link ? reply.redirect(link) : reply.code(404).send({ error: "unknown" });
  });
  return app;
}
