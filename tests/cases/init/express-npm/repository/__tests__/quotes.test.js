const request = require("supertest");
const app = require("../app");

test("quotes are listed", async () => {
  const answer = await request(app).get("/quotes");
  expect(answer.body).toHaveLength(2);
});
