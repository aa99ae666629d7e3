const path = require("path");
const express = require("express");

const app = express();
app.use(express.static(path.join(__dirname, "public")));
app.use("/quotes", require("./routes/quotes"));
app.get("/health", (req, res) => res.json({ status: "ok" }));

module.exports = app;
