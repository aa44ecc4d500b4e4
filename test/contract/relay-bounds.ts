/**
 * What a relay bounds, cuts, survives and announces. Part of `relay.ts`.
 */
import { describe, expect, test } from 'vitest';
import { dialRelay } from '#node-agents/link/relay/dial.ts';
import { relayLimits } from '#schema/relay/wire.ts';
import { credentials, knock, newKey } from './relay-parties.ts';
import { carries, closeOf, refusal, type Stage, settled } from './relay-stage.ts';
import type { SocketStream, Stream } from './relay-stream.ts';

export function bounds(stage: Stage): void {
  const { register, connectHeaders, pair, anyCarrier, connectWith } = stage;

  test('sessions of one Connector are bounded', async () => {
    const link = await register(await newKey());
    const { sessionsPerConnector } = stage.relay.limits;
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
      const cut = await stage.relay
        .revoke({ jkts: [revoked.jkt], connectors: [link.key.hash] })
        .catch((e) => e);
      expect(cut).toMatchObject({ sessions: 2 });
      expect(await client.closed).toBe(closeOf('revoked'));
      expect(await connector.closed).toBe(closeOf('revoked'));
      await Promise.all([client2.closed, connector2.closed, link.closed]);
      const again = credentials(
        stage.relay.url,
        'register',
        link.key,
        await stage.tenant.registrationToken(link.key),
      );
      const refused = knock(stage.relay.url, 'register', 'websocket', await again);
      expect(await refusal(refused)).toEqual({ status: 403, code: 'revoked' });
    });

    test('of a Client leaves the others and the link', async () => {
      const link = await register(await newKey());
      const [revoked, other] = [await newKey(), await newKey()];
      const [client] = await pair(link, revoked, anyCarrier());
      const [client2, connector2] = await pair(link, other, anyCarrier());
      expect(await stage.relay.revoke({ jkts: [revoked.jkt], connectors: [] })).toEqual({
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
    const { memory } = stage.relay;
    const link = await register(await newKey());
    const [client, connector] = await pair(link, await newKey(), ['websocket', 'websocket']);
    const [client2, connector2] = await pair(link, await newKey(), ['websocket', 'websocket']);
    connector.pause();
    const memoryBefore = await memory?.();
    // It does not listen either: nothing that it is told, be it its end, stops it.
    client.pause();
    const flood = floodOf(client, 8 * relayLimits.unacknowledgedBytes);
    await client2.write(Buffer.from('quick'));
    expect(String(await connector2.read(5))).toBe('quick');
    if (memory === undefined) {
      expect(await settled(() => flood.sent)).toBe('held up');
      expect(flood.sent).toBeLessThan(16 * 1024 * 1024);
    } else {
      await flood.over;
      expect((await memory()) - memoryBefore!).toBeLessThan(6 * relayLimits.unacknowledgedBytes);
      client.resume();
      expect(await client.closed).toBe(closeOf('limit_reached'));
      // What it has accepted, it sends: all that is there for the receiver when it reads again.
      connector.resume();
      await connector.closed;
      expect(connector.total).toBeLessThanOrEqual(relayLimits.unacknowledgedBytes);
    }
    connector.destroy();
    client.destroy();
    await flood.over;
    client2.finish();
    link.close();
  });

  test('what the relay has not come to yet waits at its sender', async (context) => {
    const { hold, release } = stage.relay;
    if (hold === undefined) return context.skip('this host never waits for anything');
    const link = await register(await newKey());
    const [client, connector] = await pair(link, await newKey(), ['websocket', 'websocket']);
    await hold(link.key.hash);
    const flood = floodOf(client, 8 * relayLimits.unacknowledgedBytes);
    expect(await settled(() => flood.sent)).toBe('held up');
    expect(flood.sent).toBeLessThan(relayLimits.unacknowledgedBytes);
    expect(connector.total).toBe(0);
    flood.length = flood.sent;
    await release!(link.key.hash);
    await flood.over;
    await connector.until(() => connector.total === flood.sent);
    client.finish();
    link.close();
  });

  test('an agent stops before a receiver that stands still is too much, and goes on with it', async (context) => {
    if (stage.relay.memory === undefined) return context.skip('the sockets of this host hold senders up');
    const link = await register(await newKey());
    const session = link.nextIncoming();
    const dialled = dialRelay({
      relay: { id: 'rel_1', url: stage.relay.url, carriers: ['websocket'] },
      door: 'connect',
      headers: await connectHeaders(link.key.hash, await newKey()),
      timeoutMs: 5_000,
    });
    const connector = await link.accept(await session, 'websocket');
    const carrier = (await dialled).resume();
    const { roomBytes } = relayLimits;
    const whole = 6 * roomBytes;
    connector.pause();
    const before = await stage.relay.memory();
    let taken = 0;
    const sending = (async () => {
      for (const block = Buffer.alloc(256 * 1024, 7); taken < whole; taken += block.length)
        await new Promise<void>((done, failed) =>
          carrier.write(block, (error) => (error ? failed(error) : done())),
        );
    })();
    expect(await settled(() => taken)).toBe('held up');
    // It is not closed, nor will it be, since nothing more comes.
    expect(taken).toBeLessThanOrEqual(roomBytes);
    expect((await stage.relay.memory()) - before).toBeLessThan(6 * roomBytes);
    connector.resume();
    await sending;
    await connector.until(() => connector.total >= whole);
    expect(connector.readAll().every((byte) => byte === 7)).toBe(true);
    carrier.destroy();
    link.close();
  });

  test('a session survives the relay’s sleep: pairing, order, marks, revocation', async (context) => {
    if (stage.relay.evict === undefined)
      return context.skip(stage.suite.skip.find(({ test }) => test === 'hibernation')?.reason);
    const link = await register(await newKey());
    const key = await newKey();
    const [client, connector] = await pair(link, key, anyCarrier());
    await stage.relay.evict(link.key.hash);
    await client.write(Buffer.from('first after waking'));
    expect(String(await connector.read(18))).toBe('first after waking');
    await carries(connector, client, 16);
    await stage.relay.evict(link.key.hash);
    await carries(client, connector, 16);
    const [client2, connector2] = await pair(link, await newKey(), anyCarrier());
    await stage.relay.evict(link.key.hash);
    await client2.write(Buffer.from('apart'));
    expect(String(await connector2.read(5))).toBe('apart');
    const replay = await stage.tenant.connectionToken(link.key.hash, key.jkt);
    link.onIncoming = (session) => void link.accept(session, 'websocket').catch(() => {});
    (await connectWith(await connectHeaders(link.key.hash, key, replay))).finish();
    await stage.relay.evict(link.key.hash);
    const again = connectWith(await connectHeaders(link.key.hash, key, replay));
    expect(await refusal(again)).toEqual({ status: 401, code: 'token_replayed' });
    expect(await stage.relay.revoke({ jkts: [key.jkt], connectors: [] })).toMatchObject({ sessions: 1 });
    expect(await client.closed).toBe(closeOf('revoked'));
    await stage.relay.evict(link.key.hash);
    const later = connectWith(await connectHeaders(link.key.hash, key));
    expect(await refusal(later)).toEqual({ status: 403, code: 'revoked' });
    client2.finish();
    link.close();
  });

  test('before a restart everybody is told, and nobody new is let in', async () => {
    const link = await register(await newKey());
    const [client, connector] = await pair(link, await newKey(), ['websocket', 'websocket']);
    await stage.relay.drain([link.key.hash]);
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
}

/** Sends `length` bytes, whatever the relay says of it. */
function floodOf(stream: Stream, length: number): { sent: number; length: number; over: Promise<void> } {
  const chunk = Buffer.alloc(256 * 1024);
  const flood = { sent: 0, length, over: Promise.resolve() };
  const send = async () => {
    while (flood.sent < flood.length) {
      await stream.write(chunk);
      flood.sent += chunk.length;
    }
  };
  flood.over = send().catch(() => {});
  return flood;
}
