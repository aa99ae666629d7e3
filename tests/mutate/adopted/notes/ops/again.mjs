#!/usr/local/bin/node
// again FOLDER COMMAND...: runs a command as the owner of this folder, and again whenever a file in FOLDER changes.
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const [folder, program, ...words] = process.argv.slice(2);
const owner = statSync('.');
if (process.getuid() === 0 && owner.uid !== 0) {
  process.setgroups([]);
  process.setgid(owner.gid);
  process.setuid(owner.uid);
}

const seen = () => readdirSync(folder, { recursive: true }).sort().map((name) => {
  const status = statSync(join(folder, name), { throwIfNoEntry: false });
  return status?.isFile() ? `${name} ${status.ino} ${status.size} ${status.mtimeMs}` : '';
}).join('\n');

let child;
let stopping = false;
const start = () => {
  child = spawn(program, words, { stdio: 'inherit' });
};
const stop = () => new Promise((done) => {
  if (child.exitCode !== null || child.signalCode !== null) return done();
  child.once('exit', done);
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), 8000).unref();
});

// Looks the less often the longer a look takes: 50 times as long, at least 0.3 s.
const look = () => {
  const began = process.hrtime.bigint();
  const found = seen();
  const pause = Math.min(Math.max(Number(process.hrtime.bigint() - began) / 1e6 * 50, 300), 5000);
  return [found, pause];
};

let [before] = look();
start();
const again = async () => {
  const [now, pause] = look();
  if (now !== before && !stopping) {
    before = now;
    await stop();
    start();
  }
  setTimeout(again, pause);
};
setTimeout(again, 300);
process.on('SIGTERM', async () => {
  stopping = true;
  await stop();
  process.exit(0);
});
