// The service as a process of its own: its logs, and how it stops.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, request } from "undici";

const main = fileURLToPath(import.meta.resolve("#app/main"));

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function startService(context: TestContext) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const service = spawn(process.execPath, [main], {
    env: { ...process.env, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(service, "exit");
  const output = text(service.stdout);
  context.after(() => service.kill("SIGKILL"));

  for (const deadline = Date.now() + 10_000; ; await sleep(50)) {
    try {
      await (await request(`${url}/healthz`, { reset: true })).body.dump();
      return { service, url, exited, output };
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

async function waitUntilRefused(url: string) {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(20)) {
    try {
      await (await request(url, { reset: true })).body.dump();
    } catch {
      return;
    }
  }
  assert.fail("it still accepts connections");
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`on ${signal}, finishes the request in flight and exits 0`, async (context) => {
    const { service, url, exited } = await startService(context);
    // A connection kept alive and idle must not delay the stop.
    const idle = new Client(url, { keepAliveTimeout: 60_000 });
    context.after(() => idle.destroy());
    const ask = async () => (await idle.request({ method: "GET", path: "/" })).body.dump();
    await ask();

    const inFlight = request(`${url}/slow?seconds=2`);
    await sleep(300);
    // Once a later request is answered, that one is being worked on.
    await ask();
    service.kill(signal);
    await waitUntilRefused(url);

    const first = await Promise.race([inFlight, sleep(0, "in flight")]);
    assert.equal(first, "in flight");
    const response = await inFlight;
    assert.deepEqual(await response.body.json(), { slept: 2 });
    const answered = performance.now();
    assert.deepEqual(await exited, [0, null]);
    assert.ok(performance.now() - answered < 5_000);
  });
}

test("logs one JSON object a line", async (context) => {
  const { service, url, output } = await startService(context);
  await (await request(url, { reset: true })).body.dump();
  service.kill();

  const lines = (await output).trimEnd().split("\n").map((line) => JSON.parse(line));
  const urls = lines.flatMap((line) => line.req?.url ?? []);
  assert.deepEqual(urls, ["/"]);
});
