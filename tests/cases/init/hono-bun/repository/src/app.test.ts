import { expect, test } from "bun:test";
import { app } from "./app";
test("greets", async () => { expect(await (await app.request("/")).text()).toContain("Hello"); });
