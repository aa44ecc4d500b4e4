import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { ControllerClock } from '#node-agents/link/clock.ts';
import { type ControlChannel, openControlChannel } from '#node-agents/link/control.ts';
import { ControllerClient } from '#node-agents/link/controller.ts';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import type { LinkTiming } from '#node-agents/link/standing-link.ts';
import { capability, controlProtocol, type FromController } from '#schema/control/messages.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { verifyProof } from '#schema/token/proof.ts';
import {
  acceptWebSocket,
  quietLog,
  random,
  refuseUpgrade,
  sendProblem,
  startPeer,
  stopPeers,
  until,
} from './peers.ts';

let identity: Identity;
beforeAll(async () => {
  identity = await createIdentity();
});
const open = new Set<ControlChannel>();
afterEach(async () => {
  for (const channel of open) channel.close();
  open.clear();
  await stopPeers();
});

const quick: Partial<LinkTiming> = { pingMs: 60, pongMs: 60, firstRetryMs: 20, lastRetryMs: 40 };
const welcome = JSON.stringify({ type: 'welcome', capability, now: Date.now(), relays: [] });

interface Controller {
  /** What happens to each channel, first to last; the last one stays for all that follow. */
  channels: ((socket: WebSocket, request: IncomingMessage) => void)[];
  /** Refuses the upgrade with this code while it is set. */
  refuse?: ErrorCode | undefined;
  refuseLogin?: ErrorCode | undefined;
  logins?: number;
  upgrades?: IncomingMessage[];
}

async function start(behaviour: Controller, timing = quick) {
  const state = Object.assign(behaviour, { logins: 0, upgrades: [] as IncomingMessage[] });
  const { url } = await startPeer({
    request(_, __, response) {
      state.logins++;
      if (state.refuseLogin) return sendProblem(response, state.refuseLogin);
      const answer = { access_token: `access.${state.logins}`, token_type: 'DPoP', expires_in: 3600 };
      response.end(JSON.stringify({ ...answer, now: Date.now(), relays: [] }));
    },
    upgrade(request, socket, head) {
      state.upgrades.push(request);
      if (state.refuse) return refuseUpgrade(socket, state.refuse);
      const then = state.channels.length > 1 ? state.channels.shift()! : state.channels[0]!;
      acceptWebSocket(request, socket, head, then);
    },
  });
  const { log } = quietLog();
  const clock = new ControllerClock(Date.now);
  const controller = new ControllerClient({ url, identity, clock, log, random });
  const messages: FromController[] = [];
  const states: string[] = [];
  const channel = openControlChannel({
    controller,
    login: () => controller.login({ subject: 'con_1', assertionKey: identity.cryptoKey }),
    hello: () => ({ type: 'hello', capability, version: '1' }),
    onMessage: (message) => messages.push(message),
    onState: (state, code) => states.push(code ? `${state} ${code}` : state),
    now: Date.now,
    random,
    log,
    timing,
  });
  open.add(channel);
  return { channel, messages, states, state, url };
}

const greet = (socket: WebSocket) =>
  socket.on('message', (data) => socket.send(String(data) === 'ping' ? 'pong' : welcome));

describe('a control channel', () => {
  test('logs in, proves its key, says hello and is open once it is welcome', async () => {
    const said: string[] = [];
    const { channel, states, messages, state, url } = await start({
      channels: [
        (socket) => {
          socket.on('message', (data) => said.push(String(data)));
          greet(socket);
        },
      ],
    });
    await until(() => channel.state === 'open', 'open');
    expect(states).toEqual(['connecting', 'open']);
    expect(messages[0]!.type).toBe('welcome');
    expect(JSON.parse(said[0]!)).toMatchObject({ type: 'hello', version: '1' });
    const { headers } = state.upgrades[0]!;
    expect(headers['sec-websocket-protocol']).toBe(controlProtocol);
    const expected = { method: 'GET', url: `${url}/api/v1/channel`, token: 'access.1', nowMs: Date.now() };
    expect((await verifyProof(String(headers['dpop']), { ...expected, jkt: identity.jkt })).ok).toBe(true);
    expect(channel.send({ type: 'ack', version: 3 })).toBe(true);
    await until(() => said.includes('{"type":"ack","version":3}'), 'the ack');
  });

  test('cuts its wait short when something speaks for the Controller being back', async () => {
    const restart = (socket: WebSocket) =>
      socket.on('message', () => {
        socket.send(welcome);
        socket.send('{"type":"restarting","reconnect_in_ms":60000}');
        socket.close(1012);
      });
    const { channel, states } = await start(
      { channels: [restart, greet] },
      { ...quick, lastRetryMs: 60_000 },
    );
    await until(() => states.some((state) => state.startsWith('closed')), 'the restart');
    channel.hurry();
    await until(() => channel.state === 'open', 'open again');
  });

  test('takes nothing while it is not open', async () => {
    const { channel } = await start({ channels: [() => {}] });
    expect(channel.send({ type: 'renew' })).toBe(false);
    expect(channel.lastHeardMs).toBe(Number.NEGATIVE_INFINITY);
  });

  test('hears every answer to its pings', async () => {
    const { channel } = await start({ channels: [greet] });
    await until(() => channel.state === 'open', 'open');
    const before = channel.lastHeardMs;
    await until(() => channel.lastHeardMs > before + 100, 'two more pongs');
    expect(channel.state).toBe('open');
  });

  test('is opened again when the Controller falls silent', async () => {
    const mute = (socket: WebSocket) => socket.once('message', () => socket.send(welcome));
    const { states, state } = await start({ channels: [mute, greet] });
    await until(() => states.filter((one) => one === 'open').length === 2, 'open again');
    expect(states).toContain('closed peer_gone');
    expect(state.logins, 'the access token was still good').toBe(1);
  });

  test('is opened again when it is not welcome in time', async () => {
    const { states } = await start({ channels: [() => {}, greet] }, { ...quick, openMs: 80 });
    await until(() => states.includes('open'), 'open at the second attempt');
  });

  test('comes back when the Controller said, not before', async () => {
    let closedAt = 0;
    let backAt = 0;
    const restart = (socket: WebSocket) =>
      socket.once('message', () => {
        socket.send(welcome);
        socket.send('{"type":"restarting","reconnect_in_ms":200}');
        closedAt = Date.now();
        socket.close(1012);
      });
    const back = (socket: WebSocket) => {
      backAt = Date.now();
      greet(socket);
    };
    const { states } = await start({ channels: [restart, back] });
    await until(() => states.filter((one) => one === 'open').length === 2, 'open again');
    expect(backAt - closedAt).toBeGreaterThanOrEqual(195);
  });

  test('logs in anew when its access token is no longer accepted', async () => {
    const { channel, state } = await start({ channels: [greet], refuse: 'unauthenticated' });
    await until(() => state.logins >= 2, 'a second login');
    state.refuse = undefined;
    await until(() => channel.state === 'open', 'open');
  });

  test('goes on for ever when the Controller is not there', async () => {
    const { state, channel } = await start({ channels: [greet], refuse: 'unavailable' });
    await until(() => state.upgrades.length >= 5, 'five attempts');
    state.refuse = undefined;
    await until(() => channel.state === 'open', 'open');
  });

  test('ends for good when it is refused for good', async () => {
    const refuse = (socket: WebSocket) =>
      socket.send('{"type":"refused","code":"connector_revoked","retry":false}');
    const { channel, states, state } = await start({ channels: [refuse] });
    await until(() => channel.state === 'refused', 'refused');
    expect(states.at(-1)).toBe('refused connector_revoked');
    const attempts = state.upgrades.length;
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(state.upgrades).toHaveLength(attempts);
  });

  test('ends for good when the login says that the credential is dead', async () => {
    const { channel, states } = await start({ channels: [greet], refuseLogin: 'key_revoked' });
    await until(() => channel.state === 'refused', 'refused');
    expect(states.at(-1)).toBe('refused key_revoked');
  });

  test('tries again when it is refused for now', async () => {
    const refuse = (socket: WebSocket) => socket.send('{"type":"refused","code":"unavailable","retry":true}');
    const { states } = await start({ channels: [refuse, greet] });
    await until(() => states.includes('open'), 'open');
    expect(states).toContain('closed unavailable');
  });

  test('passes over what only a newer Controller says', async () => {
    const { channel, messages } = await start({
      channels: [
        (socket) =>
          socket.once('message', () => {
            socket.send(welcome);
            for (const text of [
              '{"type":"from_the_future"}',
              'not JSON',
              '{"type":"relay_list","relays":[]}',
            ])
              socket.send(text);
          }),
      ],
    });
    await until(() => messages.length === 2, 'the message that it knows');
    expect(messages[1]!.type).toBe('relay_list');
    expect(channel.state).toBe('open');
  });

  test('is broken off by a message that is too long', async () => {
    const flood = (socket: WebSocket) =>
      socket.once('message', () => {
        socket.send(welcome);
        socket.send('x'.repeat(2 * 1024 * 1024));
      });
    const { states } = await start({ channels: [flood, greet] });
    await until(() => states.filter((one) => one === 'open').length === 2, 'open again');
  });

  test('closes for ever when told', async () => {
    const closed: Promise<unknown>[] = [];
    const { channel, states, state } = await start({
      channels: [
        (socket) => {
          closed.push(once(socket, 'close'));
          greet(socket);
        },
      ],
    });
    await until(() => channel.state === 'open', 'open');
    channel.close();
    await Promise.all(closed);
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(states.at(-1)).toBe('closed');
    expect(state.upgrades).toHaveLength(1);
  });
});
