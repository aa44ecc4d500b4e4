import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { ControllerClock } from '#node-agents/link/clock.ts';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { type Registration, register } from '#node-agents/link/relay/register.ts';
import type { LinkTiming } from '#node-agents/link/standing-link.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { connectorHeader, sessionHeader } from '#schema/relay/wire.ts';
import { verifyProof } from '#schema/token/proof.ts';
import {
  acceptRaw,
  acceptWebSocket,
  quietLog,
  random,
  refuseUpgrade,
  startPeer,
  stopPeers,
  until,
} from '../peers.ts';

let identity: Identity;
beforeAll(async () => {
  identity = await createIdentity();
});
const links = new Set<Registration>();
afterEach(async () => {
  for (const link of links) link.close();
  links.clear();
  await stopPeers();
});

const quick: Partial<LinkTiming> = { pingMs: 60, pongMs: 60, firstRetryMs: 20, lastRetryMs: 40 };

interface Relay {
  links: ((socket: WebSocket) => void)[];
  refuse?: ErrorCode | undefined;
  accept?: (request: IncomingMessage, socket: Duplex) => void;
}

async function start(relay: Relay, timing = quick) {
  const requests: IncomingMessage[] = [];
  const { url } = await startPeer({
    upgrade(request, socket, head) {
      if (request.url === '/relay/v1/accept') return relay.accept?.(request, socket);
      requests.push(request);
      if (relay.refuse) return refuseUpgrade(socket, relay.refuse);
      const then = relay.links.length > 1 ? relay.links.shift()! : relay.links[0]!;
      acceptWebSocket(request, socket, head, then);
    },
  });
  const states: string[] = [];
  const incoming: { session: string; accept: () => Promise<Duplex> }[] = [];
  const tokens = ['registration.1', 'registration.2'];
  const link = register({
    relay: { id: 'rel_1', url, carriers: ['raw'] },
    identity,
    clock: new ControllerClock(Date.now),
    registration: () => (tokens.length > 1 ? tokens.shift()! : tokens[0]!),
    onIncoming: (session, accept) => incoming.push({ session, accept }),
    onState: (state, code) => states.push(code ? `${state} ${code}` : state),
    random,
    log: quietLog().log,
    onRestarting: () => states.push('restarting'),
    timing,
  });
  links.add(link);
  return { link, states, incoming, requests, url };
}

const seat = (socket: WebSocket) => {
  socket.on('message', (data) => String(data) === 'ping' && socket.send('pong'));
  socket.send(`{"type":"registered","hash":"${identity.hash}"}`);
};

test('a Connector proves its key and is registered', async () => {
  const { link, states, requests, url } = await start({ links: [seat] });
  await until(() => link.state === 'connected', 'registered');
  expect(states).toEqual(['connected']);
  const { authorization, dpop } = requests[0]!.headers;
  expect(authorization).toBe('DPoP registration.1');
  const expected = { method: 'GET', url: `${url}/relay/v1/register`, token: 'registration.1' };
  const proof = await verifyProof(String(dpop), { ...expected, nowMs: Date.now(), jkt: identity.jkt });
  expect(proof.ok).toBe(true);
});

test('a Client that waits is told with its session, and accepted through the other door', async () => {
  const session = 'secret-of-this-session';
  const { incoming } = await start({
    links: [
      (socket) => {
        seat(socket);
        socket.send(JSON.stringify({ type: 'incoming', session }));
      },
    ],
    accept(request, socket) {
      expect(request.headers[sessionHeader]).toBe(session);
      expect(request.headers[connectorHeader]).toBe(identity.hash);
      acceptRaw(socket, 'from the Client');
    },
  });
  await until(() => incoming.length === 1, 'the Client');
  const stream = await incoming[0]!.accept();
  const [chunk] = await once(stream, 'data');
  stream.destroy();
  expect(String(chunk)).toBe('from the Client');
});

test('a Client can be declined with a code', async () => {
  const said: string[] = [];
  const { link, incoming } = await start({
    links: [
      (socket) => {
        socket.on('message', (data) => said.push(String(data)));
        seat(socket);
        socket.send('{"type":"incoming","session":"s"}');
      },
    ],
  });
  await until(() => incoming.length === 1, 'the Client');
  link.decline('s', 'draining');
  await until(() => said.some((text) => text.includes('decline')), 'the refusal');
  expect(said.map((text) => text.startsWith('{') && JSON.parse(text))).toContainEqual({
    type: 'decline',
    session: 's',
    code: 'draining',
  });
});

test('a lost link comes back with the registration token of the day', async () => {
  const lose = (socket: WebSocket) => {
    seat(socket);
    setTimeout(() => socket.terminate(), 20);
  };
  const { states, requests } = await start({ links: [lose, seat] });
  await until(() => states.filter((one) => one === 'connected').length === 2, 'registered again');
  expect(states).toEqual(['connected', 'failed peer_gone', 'connecting', 'connected']);
  expect(requests[1]!.headers.authorization).toBe('DPoP registration.2');
});

test('a link without answers to its pings is given up', async () => {
  const mute = (socket: WebSocket) => socket.send('{"type":"registered","hash":"x"}');
  const { states } = await start({ links: [mute, seat] });
  await until(() => states.filter((one) => one === 'connected').length === 2, 'registered again');
});

test('a relay that has to prove itself is given up soon, one that does is kept', async () => {
  const mute = (socket: WebSocket) => socket.send('{"type":"registered","hash":"x"}');
  let pings = 0;
  const counting = (socket: WebSocket) => {
    seat(socket);
    socket.on('message', () => pings++);
  };
  const patient = { ...quick, pingMs: 60_000, probeMs: 200 };
  const { link, states } = await start({ links: [mute, counting] }, patient);
  await until(() => link.state === 'connected', 'registered');
  link.probe();
  await until(() => states.filter((one) => one === 'connected').length === 2, 'registered again');
  expect(states).toContain('failed peer_gone');
  // It asks again only once it has its answer.
  const asked = () => {
    link.probe();
    return pings >= 3;
  };
  await until(asked, 'three answers');
  expect(link.state).toBe('connected');
});

test('a refusal is told by its code, and tried again', async () => {
  const relay: Relay = { links: [seat], refuse: 'token_expired' };
  const { link, states } = await start(relay);
  await until(() => states.includes('failed token_expired'), 'the refusal');
  relay.refuse = undefined;
  await until(() => link.state === 'connected', 'registered');
});

test('a relay that restarts is left alone for as long as it asked', async () => {
  let closedAt = 0;
  let backAt = 0;
  const restart = (socket: WebSocket) => {
    seat(socket);
    socket.send('{"type":"restarting","reconnect_in_ms":150,"try_for_ms":5000}');
    closedAt = Date.now();
    socket.close(1012);
  };
  const { states } = await start({
    links: [
      restart,
      (socket) => {
        backAt = Date.now();
        seat(socket);
      },
    ],
  });
  await until(() => states.filter((one) => one === 'connected').length === 2, 'registered again');
  expect(backAt - closedAt).toBeGreaterThanOrEqual(145);
  expect(states).toContain('failed draining');
  expect(states.indexOf('restarting')).toBeLessThan(states.indexOf('failed draining'));
});

test('a wait that has become pointless is cut short', async () => {
  const restart = (socket: WebSocket) => {
    seat(socket);
    socket.send('{"type":"restarting","reconnect_in_ms":60000,"try_for_ms":60000}');
    socket.close(1012);
  };
  const { link, states } = await start({ links: [restart, seat] }, { ...quick, lastRetryMs: 60_000 });
  await until(() => states.includes('failed draining'), 'the restart');
  link.hurry();
  await until(() => states.filter((one) => one === 'connected').length === 2, 'registered again');
});
