const router = require("express").Router();

const quotes = ["Less is more.", "Form follows function."];

router.get("/", (req, res) => res.json(quotes));

module.exports = router;
