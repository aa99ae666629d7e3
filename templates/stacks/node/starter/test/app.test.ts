import assert from "node:assert/strict";
import { test } from "node:test";
import { buildApp } from "#app/app";

test("greets", async () => {
  const response = await buildApp().inject("/");
  assert.equal(response.statusCode, 200);
  assert.deepEqual(response.json(), { message: "Hello from starter-service" });
});

test("is healthy", async () => {
  const response = await buildApp().inject("/healthz");
  assert.equal(response.statusCode, 200);
  assert.deepEqual(response.json(), { status: "ok" });
});

test("/slow waits as asked", async () => {
  const start = performance.now();
  const response = await buildApp().inject("/slow?seconds=0.05");
  assert.deepEqual(response.json(), { slept: 0.05 });
  assert.ok(performance.now() - start >= 49);
});

for (const seconds of ["-1", "10.1", "NaN", "Infinity", "", "soon"]) {
  test(`/slow refuses "${seconds}"`, async () => {
    const response = await buildApp().inject({ url: "/slow", query: { seconds } });
    assert.equal(response.statusCode, 400);
  });
}
