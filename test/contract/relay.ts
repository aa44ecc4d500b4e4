/**
 * What every relay must do, whoever hosts it: one suite for the Node process and the Durable Object. What a
 * host cannot do is skipped with its reason.
 */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ErrorCode, wireOf } from '#schema/errors.ts';
import { relayLimits } from '#schema/relay/wire.ts';
import {
  type Carrier,
  credentials,
  type Headers,
  type Key,
  knock,
  newKey,
  newTenant,
  type RawStream,
  Refused,
  RegisterLink,
  type SocketStream,
  type Stream,
  seconds,
  type Tenant,
} from './relay-parties.ts';

export interface RelayUnderTest {
  /** Public URL, without a final slash. */
  url: string;
  carriers: Carrier[];
  limits: { handshakeMs: number; sessionsPerConnector: number };
  /** Told of each Connector that registers. */
  onConnector?: (hash: string) => void;
  revoke(names: { jkts: string[]; connectors: string[] }): Promise<{ sessions: number; links: number }>;
  drain(connectors: string[]): Promise<void>;
  /** Resident bytes of the process that hosts it, where it is one of its own. */
  memory?: () => Promise<number>;
  /** Makes it forget whatever is not kept; absent where nothing ever sleeps. */
  evict?: (connector: string) => Promise<void>;
  stop(): Promise<void>;
}

export interface RelaySuite {
  name: string;
  newRelay(tenant: Tenant): Promise<RelayUnderTest>;
  skip: { test: 'hibernation'; reason: string }[];
}

export function relayContract({ name, newRelay, skip }: RelaySuite): void {
  describe(`relay: ${name}`, () => {
    let tenant: Tenant;
    let relay: RelayUnderTest;

    beforeAll(async () => {
      tenant = await newTenant();
      relay = await newRelay(tenant);
    });
    afterAll(async () => {
      await relay?.stop();
      tenant?.stop();
    });

    const register = (key: Key) => {
      relay.onConnector?.(key.hash);
      return RegisterLink.open(relay.url, tenant, key);
    };
    const connectHeaders = async (hash: string, client: Key, token?: string): Promise<Headers> =>
      credentials(relay.url, 'connect', client, token ?? (await tenant.connectionToken(hash, client.jkt)));

    async function pair(
      link: RegisterLink,
      client: Key,
      carriers: [Carrier, Carrier],
    ): Promise<[Stream, Stream]> {
      const session = link.nextIncoming();
      const waiting = knock(relay.url, 'connect', carriers[0], await connectHeaders(link.key.hash, client));
      const accepted = await link.accept(await session, carriers[1]);
      return [await waiting, accepted];
    }
    const anyCarrier = (): [Carrier, Carrier] => [relay.carriers[0]!, relay.carriers[0]!];
    const refusal = async (work: Promise<unknown>): Promise<{ status: number; code: string }> => {
      const error = await work.then(
        () => new Error('it was let in'),
        (e) => e,
      );
      if (!(error instanceof Refused)) throw error;
      expect(error.type).toBe('application/problem+json');
      return { status: error.status, code: error.code };
    };
    const connectWith = (headers: Headers) => knock(relay.url, 'connect', 'websocket', headers);
    const skipped = (which: RelaySuite['skip'][number]['test']) =>
      skip.find((one) => one.test === which)?.reason;
    const closeOf = (code: ErrorCode) => String(4000 + wireOf(code));

    describe('a session', () => {
      const mixes: [Carrier, Carrier][] = [
        ['raw', 'raw'],
        ['websocket', 'websocket'],
        ['raw', 'websocket'],
        ['websocket', 'raw'],
      ];
      for (const mix of mixes) {
        test(`carries bytes unread and in order both ways: ${mix.join(' to ')}`, async (context) => {
          if (!mix.every((one) => relay.carriers.includes(one))) return context.skip('no such carrier here');
          const link = await register(await newKey());
          const [client, connector] = await pair(link, await newKey(), mix);
          await client.write(Buffer.from('GET / of nothing\r\n\r\n'));
          expect(String(await connector.read(20))).toBe('GET / of nothing\r\n\r\n');
          const up = randomBytes(relayLimits.messageBytes);
          const down = randomBytes(relayLimits.messageBytes);
          await Promise.all([client.write(up), connector.write(down)]);
          expect(Buffer.compare(await connector.read(up.length), up)).toBe(0);
          expect(Buffer.compare(await client.read(down.length), down)).toBe(0);
          client.finish();
          connector.finish();
          expect(await client.closed).toBe('end');
          expect(await connector.closed).toBe('end');
          link.close();
        });

        test(`carries 50 MB at once in both directions whole: ${mix.join(' to ')}`, async (context) => {
          if (!mix.every((one) => relay.carriers.includes(one))) return context.skip('no such carrier here');
          const link = await register(await newKey());
          const [client, connector] = await pair(link, await newKey(), mix);
          await Promise.all([carries(client, connector), carries(connector, client)]);
          client.finish();
          connector.finish();
          await Promise.all([client.closed, connector.closed]);
          link.close();
        });
      }

      test('ends on the other side when one side goes away', async () => {
        const link = await register(await newKey());
        const [client, connector] = await pair(link, await newKey(), anyCarrier());
        await client.write(Buffer.from('x'));
        await connector.read(1);
        client.destroy();
        expect(await connector.closed).toMatch(/reset|end|4031/);
        link.close();
      });

      test('half-closes where the carrier can', async (context) => {
        if (!relay.carriers.includes('raw')) return context.skip('no raw carrier here');
        const link = await register(await newKey());
        const [client, connector] = await pair(link, await newKey(), ['raw', 'raw']);
        (connector as RawStream).stayHalfOpen();
        await client.write(Buffer.from('question'));
        client.finish();
        await connector.until(() => connector.ended);
        await connector.write(Buffer.from('answer'));
        expect(String(await client.read(6))).toBe('answer');
        connector.finish();
        expect(await client.closed).toBe('end');
        expect(await connector.closed).toBe('end');
        link.close();
      });

      test('outlives the link it was announced on', async () => {
        const link = await register(await newKey());
        const [client, connector] = await pair(link, await newKey(), anyCarrier());
        link.close();
        await link.closed;
        await connector.write(Buffer.from('still here'));
        expect(String(await client.read(10))).toBe('still here');
        client.finish();
        connector.finish();
        await connector.closed;
      });

      test('a message that is too long ends it', async () => {
        const link = await register(await newKey());
        const [client, connector] = await pair(link, await newKey(), ['websocket', 'websocket']);
        await client.write(Buffer.alloc(relayLimits.messageBytes + 1)).catch(() => {});
        expect(await client.closed).toBe('1009');
        expect(await connector.closed).toBe(closeOf('frame_too_large'));
        expect(connector.total).toBe(0);
        link.close();
      });

      test('text that is not for the relay ends it', async () => {
        const link = await register(await newKey());
        const [client, connector] = await pair(link, await newKey(), ['websocket', 'websocket']);
        (client as SocketStream).webSocket.send('{ not json');
        expect(await client.closed).toBe(closeOf('protocol_error'));
        expect(await connector.closed).toBe(closeOf('protocol_error'));
        link.close();
      });
    });

    describe('a register link', () => {
      test('is confirmed, answers ping and ignores messages that it does not know', async () => {
        const key = await newKey();
        const link = await register(key);
        expect(link.messages[0]).toEqual({ type: 'registered', hash: key.hash });
        link.webSocket.send(JSON.stringify({ type: 'from_the_future', n: 1 }));
        link.webSocket.send('ping');
        await link.until(() => link.pongs.length > 0);
        expect(link.pongs).toEqual(['pong']);
        link.close();
      });

      test('is replaced by a newer one, which hears of those that wait', async () => {
        const key = await newKey();
        const first = await register(key);
        const session = first.nextIncoming();
        const client = await newKey();
        const waiting = knock(relay.url, 'connect', anyCarrier()[0], await connectHeaders(key.hash, client));
        const announced = await session;
        const second = await register(key);
        await second.until(() => second.messages.some(({ type }) => type === 'incoming'));
        expect(second.messages).toContainEqual({ type: 'incoming', session: announced });
        const accepted = await second.accept(announced, anyCarrier()[1]);
        await accepted.write(Buffer.from('hi'));
        expect(String(await (await waiting).read(2))).toBe('hi');
        expect(await first.closed).toBe(Number(closeOf('replaced')));
        accepted.finish();
        second.close();
      });

      test('declines a session: the Client is told the code', async () => {
        const link = await register(await newKey());
        link.onIncoming = (session) =>
          link.webSocket.send(JSON.stringify({ type: 'decline', session, code: 'draining' }));
        const refused = connectWith(await connectHeaders(link.key.hash, await newKey()));
        expect(await refusal(refused)).toEqual({ status: 503, code: 'draining' });
        link.close();
      });

      test('is refused to a key that is not the Connector’s', async () => {
        const [key, other] = [await newKey(), await newKey()];
        const token = await tenant.registrationToken({ ...key, hash: other.hash });
        const headers = await credentials(relay.url, 'register', key, token);
        const refused = knock(relay.url, 'register', 'websocket', headers);
        expect(await refusal(refused)).toEqual({ status: 401, code: 'proof_invalid' });
      });

      test('is refused with a proof that came before, and with a connection token', async () => {
        const key = await newKey();
        const headers = await credentials(relay.url, 'register', key, await tenant.registrationToken(key));
        const first = (await knock(relay.url, 'register', 'websocket', headers)) as SocketStream;
        const again = knock(relay.url, 'register', 'websocket', headers);
        expect(await refusal(again)).toEqual({ status: 401, code: 'token_replayed' });
        first.finish();
        const connection = await tenant.connectionToken(key.hash, key.jkt);
        const wrong = await credentials(relay.url, 'register', key, connection);
        const refused = knock(relay.url, 'register', 'websocket', wrong);
        expect(await refusal(refused)).toEqual({ status: 401, code: 'token_invalid' });
      });

      test('is refused for another audience', async () => {
        const key = await newKey();
        const token = await tenant.registrationToken(key, { aud: 'sallyport:elsewhere' });
        const headers = await credentials(relay.url, 'register', key, token);
        const refused = knock(relay.url, 'register', 'websocket', headers);
        expect(await refusal(refused)).toEqual({ status: 403, code: 'wrong_audience' });
      });
    });

    describe('a Client is refused', () => {
      let link: RegisterLink;
      let client: Key;
      beforeAll(async () => {
        link = await register(await newKey());
        link.onIncoming = () => expect.unreachable('nobody is announced');
        client = await newKey();
      });
      afterAll(() => link.close());
      const refusedWith = async (token: string, by: Key = client) =>
        refusal(connectWith(await connectHeaders(link.key.hash, by, token)));
      const tokenWith = (more: Parameters<Tenant['connectionToken']>[2]) =>
        tenant.connectionToken(link.key.hash, client.jkt, more);

      test('without a token, and without a proof', async () => {
        expect(await refusal(connectWith({}))).toEqual({ status: 401, code: 'token_invalid' });
        const authorization = `DPoP ${await tokenWith({})}`;
        expect(await refusal(connectWith({ authorization }))).toEqual({ status: 401, code: 'proof_invalid' });
      });

      test('with an expired token', async () => {
        const iat = seconds() - 120;
        const refused = await refusedWith(await tokenWith({ iat, exp: iat + 60 }));
        expect(refused).toEqual({ status: 401, code: 'token_expired' });
      });

      test('with a forged token', async () => {
        const refused = await refusedWith(await tokenWith({ signedBy: await newKey() }));
        expect(refused).toEqual({ status: 401, code: 'token_invalid' });
        const unknownKey = await refusedWith(await tokenWith({ kid: 'k9' }));
        expect(unknownKey).toEqual({ status: 401, code: 'token_invalid' });
      });

      test('with a token of an issuer that is not accepted', async () => {
        const elsewhere = await refusedWith(await tokenWith({ iss: 'https://elsewhere.example/t/acme' }));
        expect(elsewhere).toEqual({ status: 401, code: 'token_invalid' });
        const noSuchTenant = await refusedWith(
          await tokenWith({ iss: tenant.issuer.replace('acme', 'nobody') }),
        );
        expect(noSuchTenant).toEqual({ status: 401, code: 'token_invalid' });
      });

      test('with a token that names no Connector, or of another kind', async () => {
        expect(await refusedWith(await tokenWith({ aud: 'net_1' }))).toEqual({
          status: 403,
          code: 'wrong_audience',
        });
        const registration = await tenant.registrationToken(client);
        expect(await refusedWith(registration)).toEqual({ status: 401, code: 'token_invalid' });
      });

      test('with the token of another key', async () => {
        const refused = await refusedWith(await tokenWith({}), await newKey());
        expect(refused).toEqual({ status: 401, code: 'proof_invalid' });
      });

      test('with a proof for another door', async () => {
        const headers = await credentials(relay.url, 'register', client, await tokenWith({}));
        expect(await refusal(connectWith(headers))).toEqual({ status: 401, code: 'proof_invalid' });
      });

      test('when the Connector is not there', async () => {
        const { hash } = await newKey();
        const refused = connectWith(await connectHeaders(hash, client));
        expect(await refusal(refused)).toEqual({ status: 503, code: 'connector_offline' });
      });
    });

    test('a token is good once, even with a fresh proof', async () => {
      const link = await register(await newKey());
      link.onIncoming = (session) => void link.accept(session, 'websocket');
      const client = await newKey();
      const token = await tenant.connectionToken(link.key.hash, client.jkt);
      const first = await connectWith(await connectHeaders(link.key.hash, client, token));
      const again = connectWith(await connectHeaders(link.key.hash, client, token));
      expect(await refusal(again)).toEqual({ status: 401, code: 'token_replayed' });
      first.finish();
      link.close();
    });

    test('a Connector that does not accept in time', async () => {
      const link = await register(await newKey());
      const session = link.nextIncoming();
      const refused = refusal(connectWith(await connectHeaders(link.key.hash, await newKey())));
      expect(await refused).toEqual({ status: 504, code: 'connector_unresponsive' });
      const late = await refusal(link.accept(await session, 'websocket'));
      expect(late).toEqual({ status: 502, code: 'peer_gone' });
      link.close();
    });

    test('a session is accepted once, by its secret, through its own Connector', async () => {
      const [link, other] = [await register(await newKey()), await register(await newKey())];
      const session = link.nextIncoming();
      const waiting = connectWith(await connectHeaders(link.key.hash, await newKey()));
      const announced = await session;
      const gone = { status: 502, code: 'peer_gone' };
      expect(await refusal(other.accept(announced, 'websocket'))).toEqual(gone);
      const last = announced.at(-1) === 'A' ? 'B' : 'A';
      expect(await refusal(link.accept(announced.slice(0, -1) + last, 'websocket'))).toEqual(gone);
      expect(await refusal(link.accept('short', 'websocket'))).toEqual({ status: 400, code: 'bad_request' });
      const accepted = await link.accept(announced, 'websocket');
      expect(await refusal(link.accept(announced, 'websocket'))).toEqual(gone);
      (await waiting).finish();
      expect(await accepted.closed).toBe('end');
      link.close();
      other.close();
    });

    test('sessions of one Connector are bounded', async () => {
      const link = await register(await newKey());
      const { sessionsPerConnector } = relay.limits;
      const open: Stream[] = [];
      for (let i = 0; i < sessionsPerConnector; i++) {
        open.push(...(await pair(link, await newKey(), anyCarrier())));
      }
      const oneMore = async () => connectWith(await connectHeaders(link.key.hash, await newKey()));
      expect(await refusal(oneMore())).toEqual({ status: 503, code: 'limit_reached' });
      open[0]!.finish();
      open[1]!.finish();
      await Promise.all([open[0]!.closed, open[1]!.closed]);
      open.push(...(await pair(link, await newKey(), anyCarrier())));
      for (const stream of open) stream.destroy();
      link.close();
    });

    describe('a revocation', () => {
      test('cuts the pairs of a key at once, and refuses it from then on', async () => {
        const link = await register(await newKey());
        const [revoked, other] = [await newKey(), await newKey()];
        const [client, connector] = await pair(link, revoked, ['websocket', 'websocket']);
        const [client2, connector2] = await pair(link, other, ['websocket', 'websocket']);
        const cut = await relay.revoke({ jkts: [revoked.jkt], connectors: [link.key.hash] }).catch((e) => e);
        expect(cut).toMatchObject({ sessions: 2 });
        expect(await client.closed).toBe(closeOf('revoked'));
        expect(await connector.closed).toBe(closeOf('revoked'));
        await Promise.all([client2.closed, connector2.closed, link.closed]);
        const again = credentials(relay.url, 'register', link.key, await tenant.registrationToken(link.key));
        const refused = knock(relay.url, 'register', 'websocket', await again);
        expect(await refusal(refused)).toEqual({ status: 403, code: 'revoked' });
      });

      test('of a Client leaves the others and the link', async () => {
        const link = await register(await newKey());
        const [revoked, other] = [await newKey(), await newKey()];
        const [client] = await pair(link, revoked, anyCarrier());
        const [client2, connector2] = await pair(link, other, anyCarrier());
        expect(await relay.revoke({ jkts: [revoked.jkt], connectors: [] })).toEqual({
          sessions: 1,
          links: 0,
        });
        expect(await client.closed).toMatch(/reset|end|4023/);
        const again = connectWith(await connectHeaders(link.key.hash, revoked));
        expect(await refusal(again)).toEqual({ status: 403, code: 'revoked' });
        await client2.write(Buffer.from('on we go'));
        expect(String(await connector2.read(8))).toBe('on we go');
        client2.finish();
        link.close();
      });
    });

    test('a receiver that stands still is bounded, and does not hold up others', async () => {
      const link = await register(await newKey());
      const [client, connector] = await pair(link, await newKey(), ['websocket', 'websocket']);
      const [client2, connector2] = await pair(link, await newKey(), ['websocket', 'websocket']);
      connector.pause();
      const memoryBefore = await relay.memory?.();
      let sent = 0;
      const flood = (async () => {
        const chunk = Buffer.alloc(256 * 1024);
        while (sent < 1024 * 1024 * 1024) {
          await client.write(chunk);
          sent += chunk.length;
        }
      })().catch(() => {});
      await client2.write(Buffer.from('quick'));
      expect(String(await connector2.read(5))).toBe('quick');
      const outcome = await Promise.race([client.closed, settled(() => sent)]);
      if (relay.memory === undefined) {
        expect(outcome).toBe('held up');
        expect(sent).toBeLessThan(16 * 1024 * 1024);
      } else {
        expect(outcome).toBe(closeOf('limit_reached'));
        expect((await relay.memory()) - memoryBefore!).toBeLessThan(6 * relayLimits.unacknowledgedBytes);
      }
      connector.destroy();
      await flood;
      client.destroy();
      client2.finish();
      link.close();
    });

    test('a session survives the relay’s sleep: pairing, order, marks, revocation', async (context) => {
      if (relay.evict === undefined) return context.skip(skipped('hibernation') ?? 'nothing sleeps here');
      const link = await register(await newKey());
      const key = await newKey();
      const [client, connector] = await pair(link, key, anyCarrier());
      await relay.evict(link.key.hash);
      await client.write(Buffer.from('first after waking'));
      expect(String(await connector.read(18))).toBe('first after waking');
      await carries(connector, client, 16);
      await relay.evict(link.key.hash);
      await carries(client, connector, 16);
      const [client2, connector2] = await pair(link, await newKey(), anyCarrier());
      await relay.evict(link.key.hash);
      await client2.write(Buffer.from('apart'));
      expect(String(await connector2.read(5))).toBe('apart');
      const replay = await tenant.connectionToken(link.key.hash, key.jkt);
      link.onIncoming = (session) => void link.accept(session, 'websocket').catch(() => {});
      (await connectWith(await connectHeaders(link.key.hash, key, replay))).finish();
      await relay.evict(link.key.hash);
      const again = connectWith(await connectHeaders(link.key.hash, key, replay));
      expect(await refusal(again)).toEqual({ status: 401, code: 'token_replayed' });
      expect(await relay.revoke({ jkts: [key.jkt], connectors: [] })).toMatchObject({ sessions: 1 });
      expect(await client.closed).toBe(closeOf('revoked'));
      await relay.evict(link.key.hash);
      const later = connectWith(await connectHeaders(link.key.hash, key));
      expect(await refusal(later)).toEqual({ status: 403, code: 'revoked' });
      client2.finish();
      link.close();
    });

    test('before a restart everybody is told, and nobody new is let in', async () => {
      const link = await register(await newKey());
      const [client, connector] = await pair(link, await newKey(), ['websocket', 'websocket']);
      await relay.drain([link.key.hash]);
      await link.until(() => link.messages.some(({ type }) => type === 'restarting'));
      expect(link.messages.at(-1)).toMatchObject({ type: 'restarting', reconnect_in_ms: expect.any(Number) });
      const { texts } = client as SocketStream;
      await client.until(() => texts.some((text) => JSON.parse(text).type === 'restarting'));
      await client.write(Buffer.from('goes on'));
      expect(String(await connector.read(7))).toBe('goes on');
      const refused = connectWith(await connectHeaders(link.key.hash, await newKey()));
      expect(await refusal(refused)).toEqual({ status: 503, code: 'draining' });
      client.finish();
      link.close();
    });
  });
}

/** As much as two agents would ever have under way to each other, by the windows of their tunnel. */
const windowBytes = 8 * 1024 * 1024;

/** Sends megabytes and compares checksums. */
async function carries(from: Stream, to: Stream, megabytes = 50): Promise<void> {
  const before = to.total;
  const received = createHash('sha256');
  const sent = createHash('sha256');
  const whole = megabytes * 1024 * 1024;
  const sending = (async () => {
    for (let i = 0; i < megabytes * 4; i++) {
      const chunk = randomBytes(256 * 1024);
      sent.update(chunk);
      await to.until(() => i * chunk.length - (to.total - before) < windowBytes);
      await from.write(chunk);
    }
  })();
  while (to.total - before < whole) {
    await to.until(() => to.unread > 0);
    received.update(to.readAll());
    if (to.total - before >= whole && to.unread === 0) break;
  }
  received.update(to.readAll());
  await sending;
  expect(to.total - before).toBe(whole);
  expect(received.digest('hex')).toBe(sent.digest('hex'));
}

/** Resolves when a counter has not moved for a second. */
async function settled(counter: () => number): Promise<'held up'> {
  for (let last = -1; last !== counter(); ) {
    last = counter();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  return 'held up';
}
