import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createHttpProxy } from '#node-agents/client/http-proxy.ts';
import { listening, type StandIn, standIn } from './stand-in.ts';

const run = promisify(execFile);
let origin: Server;
let port: number;
let proxy: Server;
let proxyPort: number;
let opener: StandIn;
let release: () => void;

beforeAll(async () => {
  origin = createServer(async (request, response) => {
    const url = request.url!;
    if (url === '/facts') {
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify({ fields: request.headers, from: request.socket.remotePort }));
    }
    if (url === '/echo') return request.pipe(response);
    if (url === '/hash') {
      const hash = createHash('sha256');
      for await (const chunk of request) hash.update(chunk);
      return response.end(hash.digest('hex'));
    }
    if (url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: first\n\n');
      release = () => response.end('data: second\n\n');
      return;
    }
    if (url === '/trailers') {
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('body');
      response.addTrailers({ 'X-Sum': '42' });
      return response.end();
    }
    if (url === '/cut') {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('only this');
      return setTimeout(() => response.destroy(), 20);
    }
    if (url === '/204') return response.writeHead(204).end();
    if (url === '/304') return response.writeHead(304, { etag: '"1"' }).end();
    return response.end('hello');
  });
  origin.on('checkContinue', (request, response) => {
    if (request.url === '/never') return response.writeHead(417).end();
    response.writeContinue();
    origin.emit('request', request, response);
  });
  const sockets = new WebSocketServer({ server: origin });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
  port = await listening(origin);
  opener = standIn();
  proxy = createHttpProxy({
    open: opener.open,
    local: (_, response) => void response.end('the proxy itself'),
  });
  proxyPort = await listening(proxy);
});

afterAll(() => {
  for (const server of [origin, proxy]) {
    server.closeAllConnections();
    server.close();
  }
});

const curl = async (...args: string[]): Promise<string> =>
  (await run('curl', ['-sS', '-m', '10', '-x', `http://127.0.0.1:${proxyPort}`, ...args])).stdout;

/** Everything that comes back over one raw connection until the proxy closes it or `until` has arrived. */
async function raw(text: string, until?: RegExp): Promise<string> {
  const socket = connect(proxyPort, '127.0.0.1');
  socket.write(text);
  let received = '';
  for await (const chunk of socket) {
    received += chunk;
    if (until?.test(received)) break;
  }
  return received;
}

test('requests in absolute-form keep both connections alive', async () => {
  const url = `http://origin.internal:${port}/facts`;
  const answers = (await curl('-w', '\n%{num_connects}\n', url, url, url)).trim().split('\n');
  const [first, one, second, two, third, three] = answers;
  expect([one, two, three]).toEqual(['1', '0', '0']);
  const ports = [first, second, third].map((text) => JSON.parse(text!).from);
  expect(new Set(ports).size).toBe(1);
});

test('the destination sees its own Host and Via, and nothing that was meant for the proxy', async () => {
  const fields = [
    '-H',
    'Proxy-Connection: keep-alive',
    '-H',
    'Proxy-Authorization: Basic eA==',
    '-H',
    'TE: trailers',
  ];
  const answer = JSON.parse(await curl(...fields, `http://origin.internal:${port}/facts`));
  expect(answer.fields).toMatchObject({ host: `origin.internal:${port}`, via: '1.1 sallyport' });
  expect(Object.keys(answer.fields)).not.toEqual(expect.arrayContaining(['proxy-authorization']));
  expect(answer.fields.te).toBeUndefined();
});

test.each([
  ['with a length', ['--data-binary', 'x'.repeat(300_000)]],
  ['chunked', ['-H', 'Transfer-Encoding: chunked', '--data-binary', 'x'.repeat(300_000)]],
  ['after 100-continue', ['-H', 'Expect: 100-continue', '--data-binary', 'x'.repeat(300_000)]],
])('a body passes %s', async (_, args) => {
  // curl reads long data from a file only: 300 kB on the command line would be too long.
  const [flag, ...rest] = args;
  const data = args.at(-1)!;
  const child = run('curl', [
    ...['-sS', '-m', '10', '-x', `http://127.0.0.1:${proxyPort}`],
    ...(flag === '-H' ? [flag, rest[0]!] : []),
    ...['--data-binary', '@-', `http://origin.internal:${port}/hash`],
  ]);
  child.child.stdin!.end(data);
  expect((await child).stdout).toBe(createHash('sha256').update(data).digest('hex'));
});

test('the destination may refuse to continue', async () => {
  const answer = await raw(
    `POST http://origin.internal:${port}/never HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 417 /);
  expect(answer).toMatch(/Connection: close/i);
});

test('a login that is bound to the connection keeps one of its own', async () => {
  const bound = createServer((request, response) => {
    response.setHeader('x-from', String(request.socket.remotePort));
    response.writeHead(401, { 'www-authenticate': 'NTLM' }).end();
  });
  const boundPort = await listening(bound);
  const request = `GET http://origin.internal:${boundPort}/ HTTP/1.1\r\nHost: x\r\n\r\n`;
  const ask = async (socket: Socket) => {
    socket.write(request);
    return /x-from: (\d+)/.exec(String((await once(socket, 'data'))[0]))![1];
  };
  const [one, other] = [connect(proxyPort, '127.0.0.1'), connect(proxyPort, '127.0.0.1')];
  await ask(one);
  await ask(other);
  const [first, second] = [await ask(one), await ask(other)];
  expect(first).not.toBe(second);
  expect([await ask(one), await ask(other)]).toEqual([first, second]);
  for (const socket of [one, other]) socket.destroy();
  bound.closeAllConnections();
  bound.close();
});

test('HEAD, 204 and 304 have no body and leave the connection usable', async () => {
  const paths = ['/204', '/304', '/'].map((path) => `http://origin.internal:${port}${path}`);
  const codes = await curl(
    '-o',
    '/dev/null',
    '-o',
    '/dev/null',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}/%{num_connects} ',
    ...paths,
  );
  expect(codes).toBe('204/1 304/0 200/0 ');
  expect(await curl('-I', `http://origin.internal:${port}/`)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

test('trailers pass', async () => {
  const answer = await raw(
    `GET http://origin.internal:${port}/trailers HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: TE\r\n\r\n`,
    /X-Sum: 42\r\n\r\n$/,
  );
  expect(answer).toContain('\r\n0\r\nX-Sum: 42\r\n\r\n');
});

test('server-sent events are not held back', async () => {
  const socket = connect(proxyPort, '127.0.0.1');
  socket.write(`GET http://origin.internal:${port}/events HTTP/1.1\r\nHost: x\r\n\r\n`);
  let text = '';
  while (!text.includes('data: first')) text += (await once(socket, 'data'))[0];
  release();
  while (!text.includes('data: second')) text += (await once(socket, 'data'))[0];
  socket.destroy();
});

test('an answer that is cut off does not look complete', async () => {
  await expect(curl(`http://origin.internal:${port}/cut`)).rejects.toThrow(/curl: \((18|56)\)/);
});

test('CONNECT carries whatever follows, with half-close', async () => {
  const socket = connect({ port: proxyPort, host: '127.0.0.1', allowHalfOpen: true });
  socket.write(`CONNECT origin.internal:${port} HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(String((await once(socket, 'data'))[0])).toBe('HTTP/1.1 200 Connection established\r\n\r\n');
  socket.end(`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody`);
  let text = '';
  for await (const chunk of socket) text += chunk;
  expect(text).toContain('body');
});

test('WebSocket works by absolute-form and inside CONNECT', async () => {
  const byUpgrade = new WebSocket(`ws://127.0.0.1:${proxyPort}/`, {
    finishRequest: (request) => {
      request.path = `http://origin.internal:${port}/`;
      request.end();
    },
  });
  await once(byUpgrade, 'open');
  byUpgrade.send('upgraded');
  expect(String((await once(byUpgrade, 'message'))[0])).toBe('upgraded');
  byUpgrade.terminate();

  const tunnel = connect(proxyPort, '127.0.0.1');
  tunnel.write(`CONNECT origin.internal:${port} HTTP/1.1\r\n\r\n`);
  await once(tunnel, 'data');
  const inside = new WebSocket(`ws://origin.internal:${port}/`, { createConnection: () => tunnel });
  await once(inside, 'open');
  inside.send('inside');
  expect(String((await once(inside, 'message'))[0])).toBe('inside');
  inside.terminate();
});

test('an upgrade that the destination declines is answered as it answered', async () => {
  const plain = createServer((_, response) => response.writeHead(404).end('no such socket'));
  const plainPort = await listening(plain);
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
  const answer = await raw(
    `GET http://origin.internal:${plainPort}/ HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 404 [\s\S]*no such socket/);
  plain.close();
});

test('h2c is not passed on: the request is answered in HTTP/1.1', async () => {
  const answer = JSON.parse(await curl('--http2', `http://origin.internal:${port}/facts`));
  expect(answer.fields.upgrade).toBeUndefined();
});

test('a refusal is a problem document with Proxy-Status, by CONNECT too', async () => {
  const plain = await curl('-i', 'http://port_denied.test/');
  expect(plain).toMatch(/^HTTP\/1\.1 403 /);
  expect(plain).toContain('Proxy-Status: sallyport; error=http_request_denied; details="port_denied: ');
  expect(plain).toContain('"code":"port_denied"');
  const tunneled = await raw('CONNECT no_connector.test:443 HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(tunneled).toMatch(/^HTTP\/1\.1 503 [\s\S]*error=destination_unavailable[\s\S]*"connection":"cnx_/);
});

test.each([
  [
    'two lengths',
    'POST http://a.test/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  ],
  [
    'length and chunked',
    'POST http://a.test/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a bare line feed', 'GET http://a.test/ HTTP/1.1\nHost: a\n\n'],
  ['a space before the colon', 'GET http://a.test/ HTTP/1.1\r\nHost : a\r\n\r\n'],
  ['a folded field', 'GET http://a.test/ HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n'],
  ['no host', 'GET http:///path HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['https in the clear', 'GET https://a.test/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
  ['userinfo', 'GET http://u:p@a.test/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
  ['CONNECT without a port', 'CONNECT a.test HTTP/1.1\r\nHost: a\r\n\r\n'],
])('%s is answered 400 and goes nowhere', async (_, text) => {
  const before = opener.asked.length;
  expect(
    await raw(
      text.replace('HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    ),
  ).toMatch(/^HTTP\/1\.1 400 /);
  expect(opener.asked.length).toBe(before);
});

test('origin-form is for the proxy itself', async () => {
  expect(await raw('GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toContain(
    'the proxy itself',
  );
});

test('with a password set, nobody else gets through', async () => {
  const guarded = createHttpProxy({
    open: opener.open,
    credentials: { user: 'app', password: 's3:cret' },
    local: (_, response) => void response.end(),
  });
  const at = `http://127.0.0.1:${await listening(guarded)}`;
  const url = `http://origin.internal:${port}/`;
  const ask = async (...args: string[]) =>
    (await run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-x', at, ...args, url])).stdout;
  expect(await ask()).toBe('407');
  expect(await ask('--proxy-user', 'app:wrong')).toBe('407');
  expect(await ask('--proxy-user', 'app:s3:cret')).toBe('200');
  expect(await ask('-p', '--proxy-user', 'app:s3:cret')).toBe('200');
  guarded.closeAllConnections();
  guarded.close();
});

test('a kept connection that the destination has closed is not the program’s problem', async () => {
  const brief = createServer((_, response) => response.end('ok'));
  brief.keepAliveTimeout = 1;
  const briefPort = await listening(brief);
  const url = `http://origin.internal:${briefPort}/`;
  for (let i = 0; i < 5; i++) {
    expect(await curl(url)).toBe('ok');
    brief.closeIdleConnections();
  }
  brief.close();
});
