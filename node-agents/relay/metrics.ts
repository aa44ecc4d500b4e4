/**
 * What this process counts, as one JSON object on loopback: for whoever operates the relay, not for those
 * who use it.
 */
import type { Server } from 'node:http';
import { createServer } from '#node-agents/process/http.ts';
import { SallyportError } from '#schema/errors.ts';

/** @throws SallyportError address_in_use. */
export async function serveMetrics(port: number, counts: () => object): Promise<Server> {
  const server = createServer({ maxHeaderSize: 4096, requestTimeout: 5_000 }, (request, response) => {
    const found = request.method === 'GET' && request.url === '/metrics';
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(found ? counts() : { code: 'not_found' }));
  });
  await listen(server, '127.0.0.1', port);
  return server;
}

/** @returns the port. @throws SallyportError address_in_use, config_invalid. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const detail = taken ? `${host}:${port} is in use` : `cannot listen on ${host}:${port} (${cause.code})`;
      reject(new SallyportError(taken ? 'address_in_use' : 'config_invalid', detail, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
