/** Proves link/tunnel/{client,connector,flow,carrier}.ts with real TLS sockets on loopback. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { FlowRequest } from '#node-agents/link/tunnel/connector.ts';
import type { Flow } from '#node-agents/link/tunnel/flow.ts';
import { type ErrorCode, refuse } from '#schema/errors.ts';
import { allOf, type Loopback, loopback, settled, toOrigin } from './loopback.ts';

const opened: Loopback[] = [];
const start = async (...o: Parameters<typeof loopback>): Promise<Loopback> => {
  const made = await loopback(...o);
  opened.push(made);
  return made;
};
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

/** The Connector's side answers everything itself, with what it got. */
const echo = (request: FlowRequest): void => {
  const flow = request.accept({ resolved: '10.0.0.1' });
  flow.pipe(flow);
};
const accepting = () => {
  const flows: Flow[] = [];
  return { flows, onFlow: (r: FlowRequest) => void flows.push(r.accept({ resolved: '10.0.0.1' })) };
};

describe('a flow', () => {
  test('carries the request to the Connector and its answer back', async () => {
    const requests: FlowRequest[] = [];
    const { client } = await start((request) => {
      requests.push(request);
      request.accept({ resolved: '10.1.2.3' }).end('hello');
    });
    const flow = client.openFlow(toOrigin);
    expect(await flow.opened).toEqual({ resolved: '10.1.2.3' });
    expect(await allOf(flow)).toBe('hello');
    expect(requests[0]).toMatchObject(toOrigin);
    expect([flow.bytesUp, flow.bytesDown]).toEqual([0, 5]);
  });

  test('may send before the Connector has even welcomed the tunnel', async () => {
    const hello = Promise.withResolvers<{ ok: true }>();
    const { client } = await start(echo, { onHello: () => hello.promise });
    const flow = client.openFlow(toOrigin);
    flow.end('early');
    hello.resolve({ ok: true });
    expect(await allOf(flow)).toBe('early');
  });

  test('half-close: the answer still comes after end()', async () => {
    const { client } = await start((request) => {
      const flow = request.accept({ resolved: '' });
      allOf(flow).then((asked) => flow.end(asked.toUpperCase()));
    });
    const flow = client.openFlow(toOrigin);
    flow.end('question');
    expect(await allOf(flow)).toBe('QUESTION');
    await vi.waitUntil(() => client.flows === 0);
    expect(flow.code).toBeUndefined();
  });

  test('a refusal arrives with its code', async () => {
    const codes: ErrorCode[] = [
      'not_a_resource',
      'connection_refused',
      'host_unreachable',
      'acl_expired',
      'revoked',
    ];
    const { client } = await start((request) => request.refuse(codes[request.destination.port! - 1]!));
    for (const [at, code] of codes.entries()) {
      const flow = client.openFlow({ ...toOrigin, destination: { ...toOrigin.destination, port: at + 1 } });
      const [error] = await once(flow, 'error').catch((error) => [error]);
      expect(error).toMatchObject({ name: 'SallyportError', code });
      await expect(flow.opened).rejects.toMatchObject({ code });
      expect(flow.code).toBe(code);
    }
  });

  test('a reset after it was opened arrives with its code, either way', async () => {
    const { flows, onFlow } = accepting();
    const { client } = await start(onFlow);
    const one = client.openFlow(toOrigin);
    await one.opened;
    flows[0]!.reset('connection_reset');
    await vi.waitUntil(() => one.destroyed);
    expect(one.code).toBe('connection_reset');

    const two = client.openFlow(toOrigin);
    await two.opened;
    two.reset('idle_timeout');
    await vi.waitUntil(() => flows[1]!.destroyed);
    expect(flows[1]!.code).toBe('idle_timeout');
    expect(client.flows).toBe(0);
  });

  test('a Client that gives up aborts the request', async () => {
    const requests: FlowRequest[] = [];
    const { client } = await start((request) => void requests.push(request));
    const flow = client.openFlow(toOrigin);
    await vi.waitUntil(() => requests.length === 1);
    const { signal } = requests[0]!;
    expect(signal.aborted).toBe(false);
    flow.destroy();
    await vi.waitUntil(() => signal.aborted);
  });

  test('whose destination cannot be written is refused at home', async () => {
    const { client } = await start(echo);
    const flow = client.openFlow({ ...toOrigin, connectionId: 'nonsense' });
    await expect(flow.opened).rejects.toMatchObject({ code: 'bad_request' });
    expect(client.flows).toBe(0);
  });

  test('carries datagrams, the first ones even before it is accepted', async () => {
    const { client } = await start((request) => {
      setImmediate(() => {
        const flow = request.accept({ resolved: '' });
        flow.on('datagram', (bytes: Buffer) => flow.sendDatagram(Buffer.from(bytes).reverse()));
      });
    });
    const flow = client.openFlow({
      ...toOrigin,
      destination: { protocol: 'udp', host: 'dns.internal', port: 53 },
    });
    const answers: string[] = [];
    flow.on('datagram', (bytes: Buffer) => answers.push(bytes.toString()));
    for (const question of ['abc', '', 'x']) expect(flow.sendDatagram(Buffer.from(question))).toBe(true);
    await vi.waitUntil(() => answers.length === 3);
    expect(answers).toEqual(['cba', '', 'x']);
    expect([flow.bytesUp, flow.bytesDown]).toEqual([4, 4]);
    flow.destroy();
  });
});

describe('many flows', () => {
  test('500 at a time, each with its own bytes', async () => {
    const { client } = await start(echo);
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, at) => {
        const flow = client.openFlow(toOrigin);
        flow.end(`${at} `.repeat(1 + (at % 50) * 40));
        return allOf(flow);
      }),
    );
    for (const [at, answer] of answers.entries()) expect(answer).toBe(`${at} `.repeat(1 + (at % 50) * 40));
    await vi.waitUntil(() => client.flows === 0);
  });

  test('500 that nobody reads hold bounded memory and do not keep a quick one waiting', async () => {
    const chunk = Buffer.alloc(64 * 1024);
    let poured = 0;
    const { client, connector } = await start((request) => {
      const flow = request.accept({ resolved: '' });
      if (request.destination.port === 1) return void flow.pipe(flow);
      const pour = (): void => {
        let more = true;
        while (more && !flow.destroyed) {
          more = flow.write(chunk);
          poured += chunk.length;
        }
      };
      flow.on('drain', pour);
      pour();
    });
    const slow = Array.from({ length: 500 }, () => client.openFlow(toOrigin));
    await Promise.all(slow.map((flow) => flow.opened));
    const quick = client.openFlow({ ...toOrigin, destination: { ...toOrigin.destination, port: 1 } });
    quick.end('quick');
    expect(await allOf(quick)).toBe('quick');
    const held = () => slow.reduce((sum, flow) => sum + flow.bytesDown, 0);
    await settled(held);
    expect(held()).toBeLessThanOrEqual(32 * 1024 * 1024);
    expect(poured).toBeLessThanOrEqual(held() + 500 * 2 * chunk.length);
    expect(connector.flows).toBe(500);
    for (const flow of slow) flow.destroy();
    await vi.waitUntil(() => connector.flows === 0);
  });
});

test('200 MB arrive whole, in bounded memory, while the reader stops now and then', async () => {
  const total = 200 * 1024 * 1024;
  const block = Buffer.alloc(1021 * 61);
  for (let at = 0; at < block.length; at++) block[at] = (at * 31) & 255;
  const sent = createHash('sha256');
  const { client } = await start((request) => {
    const flow = request.accept({ resolved: '' });
    let left = total;
    const pour = (): void => {
      for (let more = true; more && left > 0; ) {
        const part = block.subarray(0, Math.min(left, block.length));
        sent.update(part);
        left -= part.length;
        more = flow.write(part);
      }
      if (left === 0) flow.end();
    };
    flow.on('drain', pour);
    pour();
  });
  const flow = client.openFlow(toOrigin);
  const received = createHash('sha256');
  const before = process.memoryUsage.rss();
  let [bytes, peak, chunks] = [0, 0, 0];
  for await (const chunk of flow) {
    received.update(chunk);
    bytes += chunk.length;
    if (++chunks % 500 === 0) {
      peak = Math.max(peak, process.memoryUsage.rss() - before);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  expect(bytes).toBe(total);
  expect(received.digest('hex')).toBe(sent.digest('hex'));
  expect(flow.bytesDown).toBe(total);
  expect(peak).toBeLessThan(150 * 1024 * 1024);
}, 60_000);

describe('a tunnel', () => {
  test('is refused with the code of HELLO’s verdict, and so are the flows that came early', async () => {
    const made = await start(echo, { onHello: async () => refuse('token_replayed') });
    const flow = made.client.openFlow(toOrigin);
    await expect(made.client.welcomed).rejects.toMatchObject({ code: 'token_replayed' });
    await expect(flow.opened).rejects.toMatchObject({ code: 'token_replayed' });
    expect(await made.connectorClosed).toBe('token_replayed');
    expect(await made.clientClosed).toBe('token_replayed');
  });

  test('that is cut ends every flow with the code, at once', async () => {
    const made = await start(accepting().onFlow);
    const flows = Array.from({ length: 50 }, () => made.client.openFlow(toOrigin));
    await Promise.all(flows.map((flow) => flow.opened));
    made.connector.cut('revoked');
    expect(made.connector.flows).toBe(0);
    expect(await made.clientClosed).toBe('revoked');
    expect(new Set(flows.map((flow) => flow.code))).toEqual(new Set(['revoked']));
    await expect(made.client.openFlow(toOrigin).opened).rejects.toMatchObject({ code: 'revoked' });
  });

  test('that goes away finishes what it has and opens nothing more', async () => {
    const made = await start(echo);
    const flow = made.client.openFlow(toOrigin);
    await flow.opened;
    made.connector.goAway('draining');
    await once(made.client, 'goaway');
    expect(made.client.goingAway).toBe(true);
    await expect(made.client.openFlow(toOrigin).opened).rejects.toMatchObject({ code: 'draining' });
    flow.end('still here');
    expect(await allOf(flow)).toBe('still here');
    expect(await made.connectorClosed).toBe('draining');
    expect(await made.clientClosed).toBe('draining');
  });

  test('hands on renewed ACLs in order; one that is refused ends it for new flows', async () => {
    const acls: string[] = [];
    const made = await start(echo, {
      onAcl: async (jwt) => {
        acls.push(jwt);
        return jwt === 'three' ? refuse('acl_superseded') : { ok: true };
      },
    });
    await made.client.welcomed;
    for (const jwt of ['one', 'two', 'three']) made.client.renewAcl(jwt);
    expect(await made.clientClosed).toBe('acl_superseded');
    expect(acls).toEqual(['one', 'two', 'three']);
  });

  test('keeps only a few ACLs waiting, and the newest of all', async () => {
    const acls: string[] = [];
    const first = Promise.withResolvers<{ ok: true }>();
    const made = await start(echo, {
      onAcl: async (jwt) => {
        acls.push(jwt);
        return acls.length === 1 ? first.promise : { ok: true };
      },
    });
    await made.client.welcomed;
    made.client.renewAcl('0');
    await vi.waitUntil(() => acls.length === 1);
    for (let i = 1; i <= 100; i++) made.client.renewAcl(`${i}`);
    const flow = made.client.openFlow(toOrigin);
    await flow.opened;
    flow.destroy();
    first.resolve({ ok: true });
    await vi.waitUntil(() => acls.at(-1) === '100');
    expect(acls).toEqual(['0', '1', '2', '3', '100']);
  });

  test('whose line breaks ends its flows with peer_gone', async () => {
    const made = await start(echo);
    const flow = made.client.openFlow(toOrigin);
    await flow.opened;
    made.raw[1].destroy();
    expect(await made.clientClosed).toBe('peer_gone');
    expect(await made.connectorClosed).toBe('peer_gone');
    expect(flow.code).toBe('peer_gone');
  });

  test('whose peer falls silent is given up', async () => {
    const made = await start(echo, { liveness: { keepAliveMs: 40, silenceMs: 100 } });
    const flow = made.client.openFlow(toOrigin);
    await flow.opened;
    made.raw[1].pause();
    // What is read below TLS no longer reaches it: the handle itself must stop.
    (made.raw[1] as unknown as { _handle: { readStop(): void } })._handle.readStop();
    expect(await made.clientClosed).toBe('peer_gone');
    expect(flow.code).toBe('peer_gone');
  });

  test('whose peer falls silent is given up although the line takes whatever is said', async () => {
    const liveness = { patienceMs: 20, doubtMs: 20, goneMs: 100 };
    const made = await start(echo, {}, { liveness });
    const flow = made.client.openFlow(toOrigin);
    await flow.opened;
    made.raw[1].pause();
    (made.raw[1] as unknown as { _handle: { readStop(): void } })._handle.readStop();
    const talk = setInterval(() => flow.write('anybody there?'), 10);
    expect(await made.clientClosed).toBe('peer_gone');
    clearInterval(talk);
    made.raw[1].destroy();
  });

  test('that is idle stays, by its own PINGs', async () => {
    const made = await start(echo, { liveness: { keepAliveMs: 20, silenceMs: 60 } });
    await made.client.welcomed;
    let closed = false;
    made.clientClosed.then(() => {
      closed = true;
    });
    const until = performance.now() + 300;
    await vi.waitUntil(() => performance.now() > until, { timeout: 2000 });
    expect(closed).toBe(false);
    expect(made.client.rttMs).toBeGreaterThan(0);
  });

  test('that gets no HELLO in time is cut', async () => {
    const made = await start(echo, { timeoutMs: 20, onHello: () => new Promise(() => {}) });
    expect(await made.clientClosed).toBe('handshake_timeout');
  });
});
