import { Hono } from "hono";
const app = new Hono();
export default { port: Number(process.env.PORT ?? 3001), fetch: app.fetch };
