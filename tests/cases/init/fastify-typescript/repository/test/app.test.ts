import { expect, test } from "vitest";
import { build } from "../src/app.js";

test("a known link redirects", async () => {
  const answer = await build().inject("/docs");
  expect(answer.statusCode).toBe(302);
});
