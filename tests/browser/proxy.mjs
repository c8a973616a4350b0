// A proxy that serves a gateway below a prefix and takes the prefix away, as nginx does by `location /crm/ { proxy_pass http://gateway/; }`.
import { createServer, request as ask } from 'node:http';

const lines = (headers) => Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');

/** Runs `use(address)` while the gateway at `base` is served at that address, below `prefix` and nowhere else; `tells` the gateway of it. */
export const below = async (base, prefix, use, { tells = false } = {}) => {
  const { hostname, port } = new URL(base);
  const told = (headers) => (tells ? { ...headers, 'x-forwarded-prefix': prefix, 'x-forwarded-host': headers.host } : headers);
  const onward = ({ method, url, headers }) =>
    ask({ hostname, port, method, headers: told(headers), agent: false, path: url.slice(prefix.length) || '/' });
  const server = createServer((request, response) => {
    if (request.url !== prefix && !request.url.startsWith(`${prefix}/`)) return response.writeHead(404).end();
    const asked = onward(request).on('response', (answer) => answer.pipe(response.writeHead(answer.statusCode, answer.rawHeaders)));
    asked.on('error', () => response.destroy());
    request.pipe(asked);
  });
  server.on('upgrade', (request, socket) => {
    const asked = onward(request).on('upgrade', (answer, upstream) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines(answer.headers)}\r\n`);
      for (const [one, other] of [[socket, upstream], [upstream, socket]]) one.on('error', () => {}).on('close', () => other.destroy()).pipe(other);
    });
    asked.on('error', () => socket.destroy()).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${server.address().port}${prefix}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
};
