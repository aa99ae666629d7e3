const express = require('express');
const { Pool } = require('pg');

const app = express();
const pool = new Pool({ connectionString: process.env.DATABASE_URL });
const port = process.env.PORT || 3000;

app.get('/', (req, res) => {
  res.send('Notes of everybody');
});

app.get('/notes', async (req, res) => {
  const { rows } = await pool.query('SELECT id, text FROM notes ORDER BY id');
  res.json(rows);
});

app.get('/health', async (req, res) => {
  await pool.query('SELECT 1');
  res.json({ status: 'ok' });
});

const server = app.listen(port, () => console.log(`listening on ${port}`));

process.on('SIGTERM', () => {
  server.close(() => pool.end().then(() => process.exit(0)));
});
