import { stdTimeFunctions } from "pino";
import { buildApp } from "./app.ts";
import { config } from "./config.ts";

// One second below the usual grace period of 10.
const SHUTDOWN_TIMEOUT_MS = 9_000;

const app = buildApp({
  logger: {
    level: config.logLevel,
    base: { env: config.env },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
  },
});

async function shutDown(signal: NodeJS.Signals): Promise<void> {
  app.log.info({ signal }, "shutting down");
  setTimeout(() => {
    app.log.error("requests still in flight, giving up");
    process.exit(1);
  }, SHUTDOWN_TIMEOUT_MS).unref();
  // Stops listening, closes idle connections, and waits for the requests in flight.
  await app.close();
}

process.once("SIGTERM", shutDown);
process.once("SIGINT", shutDown);

await app.listen({ host: "0.0.0.0", port: config.port });
