/**
 * What a session carries and how it ends, and what a register link is told. Part of `relay.ts`.
 */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { relayLimits } from '#schema/relay/wire.ts';
import { type Carrier, credentials, knock, newKey } from './relay-parties.ts';
import { carries, closeOf, refusal, type Stage } from './relay-stage.ts';
import type { RawStream, SocketStream } from './relay-stream.ts';

export function sessions(stage: Stage): void {
  const { register, connectHeaders, pair, anyCarrier, connectWith } = stage;

  describe('a session', () => {
    const mixes: [Carrier, Carrier][] = [
      ['raw', 'raw'],
      ['websocket', 'websocket'],
      ['raw', 'websocket'],
      ['websocket', 'raw'],
    ];
    for (const mix of mixes) {
      test(`carries bytes unread and in order both ways: ${mix.join(' to ')}`, async (context) => {
        if (!mix.every((one) => stage.relay.carriers.includes(one)))
          return context.skip('no such carrier here');
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
        if (!mix.every((one) => stage.relay.carriers.includes(one)))
          return context.skip('no such carrier here');
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
      if (!stage.relay.carriers.includes('raw')) return context.skip('no raw carrier here');
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
      const waiting = knock(
        stage.relay.url,
        'connect',
        anyCarrier()[0],
        await connectHeaders(key.hash, client),
      );
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
      const token = await stage.tenant.registrationToken({ ...key, hash: other.hash });
      const headers = await credentials(stage.relay.url, 'register', key, token);
      const refused = knock(stage.relay.url, 'register', 'websocket', headers);
      expect(await refusal(refused)).toEqual({ status: 401, code: 'proof_invalid' });
    });

    test('is refused with a proof that came before, and with a connection token', async () => {
      const key = await newKey();
      const headers = await credentials(
        stage.relay.url,
        'register',
        key,
        await stage.tenant.registrationToken(key),
      );
      const first = (await knock(stage.relay.url, 'register', 'websocket', headers)) as SocketStream;
      const again = knock(stage.relay.url, 'register', 'websocket', headers);
      expect(await refusal(again)).toEqual({ status: 401, code: 'token_replayed' });
      first.finish();
      const connection = await stage.tenant.connectionToken(key.hash, key.jkt);
      const wrong = await credentials(stage.relay.url, 'register', key, connection);
      const refused = knock(stage.relay.url, 'register', 'websocket', wrong);
      expect(await refusal(refused)).toEqual({ status: 401, code: 'token_invalid' });
    });

    test('is refused for another audience', async () => {
      const key = await newKey();
      const token = await stage.tenant.registrationToken(key, { aud: 'sallyport:elsewhere' });
      const headers = await credentials(stage.relay.url, 'register', key, token);
      const refused = knock(stage.relay.url, 'register', 'websocket', headers);
      expect(await refusal(refused)).toEqual({ status: 403, code: 'wrong_audience' });
    });
  });
}
