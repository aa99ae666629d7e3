import { createServer } from 'node:http';
import { archive, title } from './texts.mjs';

const server = createServer((request, response) => {
  const answer = (status, text) => {
    response.writeHead(status, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  };
  if (request.url === '/') return answer(200, title);
  if (request.url === '/alive') return answer(200, 'alive\n');
  if (request.url === '/archive') return setTimeout(() => answer(200, archive()), 2000);
  return answer(404, 'no such note\n');
});

server.listen(Number(process.env.HTTP_PORT), '0.0.0.0');

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
