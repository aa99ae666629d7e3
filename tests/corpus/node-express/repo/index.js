const express = require("express");
const app = express();
const port = process.env.PORT || 4000;
app.get("/health", (q, s) => s.send("ok"));
app.listen(port);
