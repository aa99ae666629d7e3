import { build } from "./app.js";

const app = build();
const port = Number(process.env.PORT ?? 3000);

process.once("SIGTERM", () => {
  app.close().then(() => process.exit(0));
});

app.listen({ port, host: "0.0.0.0" });
