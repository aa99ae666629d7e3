import { app } from "./app";
const server = Bun.serve({ port: Number(process.env.PORT ?? 3000), fetch: app.fetch });
process.on("SIGTERM", async () => { await server.stop(); process.exit(0); });
