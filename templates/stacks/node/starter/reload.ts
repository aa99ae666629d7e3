// Runs the service from its sources and restarts it when they change. It looks where `node --watch` listens: that one
// loses a file once it has been saved by rename, and hears nothing on a mount that delivers no events.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const INTERVAL_MS = 100;

async function snapshot(): Promise<string> {
  const files = await readdir("src", { recursive: true });
  const states = files.sort().map(async (file) => {
    const { ino, size, mtimeMs } = await stat(join("src", file));
    return [file, ino, size, mtimeMs].join(" ");
  });
  return (await Promise.all(states)).join("\n");
}

function start(): ChildProcess {
  return spawn(process.execPath, ["src/main.ts"], { stdio: "inherit" });
}

async function stop(service: ChildProcess): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null) return;
  const exited = once(service, "exit");
  service.kill();
  await exited;
}

const stopped = new AbortController();
process.on("SIGTERM", () => stopped.abort());
process.on("SIGINT", () => stopped.abort());

let seen = await snapshot();
let service = start();

while (!stopped.signal.aborted) {
  await sleep(INTERVAL_MS, undefined, { signal: stopped.signal }).catch(() => {});
  // A file deleted while we looked fails one look; the next one tells what became of it.
  const now = await snapshot().catch(() => seen);
  if (now === seen || stopped.signal.aborted) continue;
  seen = now;
  await stop(service);
  service = start();
}

await stop(service);
