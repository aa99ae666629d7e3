// Runs the suite as `node --test` does, but fails where there is no test to run.

import { resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

let tests = 0;

run({ globPatterns: ["test/**/*.test.ts"] })
  .on("test:pass", ({ name, file }) => {
    // A file without tests reports itself as a test that passed.
    if (file !== resolve(name)) tests += 1;
  })
  .on("test:fail", () => {
    tests += 1;
    process.exitCode = 1;
  })
  .once("end", () => {
    if (tests > 0) return;
    console.error("no tests found");
    process.exitCode = 1;
  })
  .compose(spec)
  .pipe(process.stdout);
