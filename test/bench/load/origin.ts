/**
 * The origin of the benchmarks, a process of its own: raw sockets, nothing parsed that need not be.
 *
 *   bulk port   `get <ms>\n`  answered by blocks for that long, then FIN
 *               `put\n`       and blocks and FIN: answered by `<bytes> <ok|wrong>\n`
 *   http port   any request without a body, kept alive: answered by the same small page
 *
 * and both once more behind the TLS that a Client and a Connector speak, with a key of its own.
 */
import { createServer, type Server, Socket, type SocketConstructorOpts } from 'node:net';
import { createIdentity } from '#node-agents/link/identity.ts';
import { acceptPinned } from '#node-agents/link/pinned-tls.ts';
import { readInPlace } from '#node-agents/link/read-in-place.ts';
import { page } from './page.ts';
import { matches } from './pattern.ts';
import { sendFor } from './send.ts';

const address = process.argv[2] ?? '127.0.0.1';
const endOfHead = '\r\n\r\n';
const buffer = Buffer.allocUnsafeSlow(512 * 1024);

const handshakeMs = 10_000;

const identity = await createIdentity();
const bulk = createServer({ pauseOnConnect: true, noDelay: true }, (accepted) =>
  serveBulk((take) => readInto(buffer, accepted, take)),
);
const http = createServer({ noDelay: true }, serveHttp);
const tlsBulk = createServer({ allowHalfOpen: true }, (accepted) =>
  secured(accepted, (socket) =>
    serveBulk((take) => {
      readInPlace(
        socket,
        () => buffer,
        (chunk) => take(chunk, socket),
      );
      return socket;
    }),
  ),
);
const tlsHttp = createServer({ allowHalfOpen: true }, (accepted) =>
  secured(accepted, (socket) => {
    serveHttp(socket);
    socket.on('end', () => socket.end());
  }),
);
const servers = [bulk, http, tlsBulk, tlsHttp];
for (const server of servers) {
  server.listen(0, address, 4096, () => {
    if (!servers.every(({ listening }) => listening)) return;
    process.send!({
      ports: { bulk: portOf(bulk), http: portOf(http) },
      tls: { bulk: portOf(tlsBulk), http: portOf(tlsHttp), hash: identity.hash },
    });
  });
}
process.on('disconnect', () => process.exit());

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

/** A handshake that fails ends that connection; the load notices. */
function secured(accepted: Socket, serve: (socket: Socket) => void): void {
  acceptPinned(accepted, { identity, timeoutMs: handshakeMs }).then(
    ({ socket }) => serve(socket),
    () => accepted.destroy(),
  );
}

type Take = (chunk: Buffer, socket: Socket) => void;

/** @param accept reads the connection, chunk by chunk. */
function serveBulk(accept: (take: Take) => Socket): void {
  let command: string | undefined;
  let received = 0;
  let right = true;
  const socket = accept((chunk, socket) => {
    if (command === undefined) {
      const line = chunk.indexOf('\n');
      command = chunk.toString('latin1', 0, line);
      const [verb, milliseconds] = command.split(' ');
      if (verb === 'get') sendFor(socket, Number(milliseconds)).catch(() => socket.destroy());
      chunk = chunk.subarray(line + 1);
    }
    right &&= matches(chunk, chunk.length, received);
    received += chunk.length;
  });
  socket.on('error', () => socket.destroy());
  socket.on('end', () => command === 'put' && socket.end(`${received} ${right ? 'ok' : 'wrong'}\n`));
}

/**
 * The accepted connection, read into one buffer. `connect` takes `onread` for this and listeners do not; the
 * way round by the handle is Node's own business, good enough for a benchmark whose baseline it doubles.
 */
function readInto(into: Buffer, accepted: Socket, take: Take): Socket {
  const { _handle: handle } = accepted as unknown as { _handle: object };
  const callback = (length: number) => {
    take(into.subarray(0, length), socket);
    return true;
  };
  const options = { handle, allowHalfOpen: true, onread: { buffer: into, callback } };
  const socket = new Socket(options as SocketConstructorOpts);
  return socket.resume();
}

function serveHttp(socket: Socket): void {
  let rest = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    const text = rest + chunk.toString('latin1');
    let from = 0;
    let answers = 0;
    for (let end = text.indexOf(endOfHead); end >= 0; end = text.indexOf(endOfHead, from)) {
      from = end + endOfHead.length;
      answers++;
    }
    rest = text.slice(from);
    if (answers > 0) socket.write(answers === 1 ? page : page.repeat(answers), 'latin1');
  });
}
