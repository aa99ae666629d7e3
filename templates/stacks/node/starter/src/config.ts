const levels = ["debug", "info", "warn", "error"];

function oneOf(name: string, allowed: string[], value: string): string {
  if (!allowed.includes(value)) {
    throw new Error(`${name} must be one of ${allowed.join(", ")}, not "${value}"`);
  }
  return value;
}

function port(name: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > 65535) {
    throw new Error(`${name} must be a port number, not "${value}"`);
  }
  return number;
}

/** The service's whole configuration, read from environment variables. */
export const config = {
  env: process.env.APP_ENV ?? "development",
  logLevel: oneOf("LOG_LEVEL", levels, process.env.LOG_LEVEL ?? "info"),
  port: port("PORT", process.env.PORT ?? "3000"),
};
