/** The relay's switch: one by one what it promises, and thousands of random days of its life. */
import { describe, expect, test } from 'vitest';
import type { ConnectorHash } from '#schema/ids.ts';
import type { Connection, Registration } from '#schema/relay/handshake.ts';
import { ExpiringSet } from '#schema/relay/once.ts';
import { type SavedSeat, type Seat, save } from '#schema/relay/seat.ts';
import { Switch, type SwitchLimits } from '#schema/relay/switch.ts';
import { relayLimits } from '#schema/relay/wire.ts';
import { SeededRandom } from '../../../fuzz/random.ts';
import { relaySwitch } from '../../../fuzz/relay-switch.ts';

const hash = 'c'.repeat(52) as ConnectorHash;
const registration = (more: Partial<Registration> = {}): Registration => ({
  ...{ door: 'register', hash, jkt: 'connector', carrier: 'websocket', issuedMs: 0, uses: [] },
  ...more,
});
const connection = (more: Partial<Connection> = {}): Connection => ({
  ...{ door: 'connect', hash, jkt: 'client', carrier: 'raw', issuedMs: 0, uses: [] },
  ...more,
});
const newSwitch = (limits: Partial<SwitchLimits> = {}, revoked = new ExpiringSet(10)) =>
  new Switch<string>({
    limits: { ...relayLimits, connectors: 10, sessions: 10, ...limits },
    marks: true,
    revoked,
  });

function seated<T>(verdict: { ok: boolean } & T): Extract<T, { ok: true }> {
  expect(verdict).toMatchObject({ ok: true });
  return verdict as never;
}

/** A link, and a Client and its Connector that are paired. */
function paired(relay: Switch<string>): {
  link: Seat<string>;
  client: Seat<string>;
  connector: Seat<string>;
} {
  const link = seated(relay.register(registration(), 'link', 0)).seat;
  seated(relay.connect(connection(), 'secret', 'client', 0));
  const session = incoming(relay, link)!;
  const { client, connector } = seated(
    relay.accept({ door: 'accept', hash, session, carrier: 'raw' }, 'connector', 0),
  );
  return { link, client, connector };
}

function incoming(relay: Switch<string>, link: Seat<string>): string | undefined {
  for (const command of relay.takeCommands()) {
    if (command.type === 'tell' && command.seat === link && command.message.type === 'incoming') {
      return command.message.session;
    }
  }
  return undefined;
}

const closes = (relay: Switch<string>) =>
  relay
    .takeCommands()
    .flatMap((command) => (command.type === 'close' ? [[command.seat.handle, command.code]] : []));

describe('the switch', () => {
  test('sends to the other end of the session, and queues nothing for it', () => {
    const relay = newSwitch();
    const { client, connector } = paired(relay);
    relay.takeCommands();
    expect(relay.route(client, 10)).toBe(connector);
    expect(relay.route(connector, 10)).toBe(client);
    expect(relay.hasCommands).toBe(false);
    expect(connector.forwarded).toBe(10);
  });

  test('asks the receiver to acknowledge, and closes the pair past the bound', () => {
    const relay = newSwitch({ markEvery: 100, unacknowledgedBytes: 250 });
    const { client, connector } = paired(relay);
    relay.takeCommands();
    relay.route(client, 100);
    expect(relay.takeCommands()).toEqual([
      { type: 'tell', seat: connector, message: { type: 'mark', n: 100 } },
    ]);
    relay.hear(connector, '{"type":"seen","n":100}', 0);
    expect(relay.route(client, 250)).toBe(connector);
    relay.takeCommands();
    expect(relay.route(client, 1)).toBeNull();
    expect(closes(relay)).toEqual([
      ['connector', 'limit_reached'],
      ['client', 'limit_reached'],
    ]);
  });

  test('closes who is furthest behind when all together are too much', () => {
    const relay = newSwitch({ markEvery: 100, unacknowledgedInAll: 500 });
    const slow = paired(relay);
    const { seat: client } = seated(relay.connect(connection({ jkt: 'other' }), 'secret2', 'client2', 0));
    const session = incoming(relay, slow.link)!;
    const fast = seated(relay.accept({ door: 'accept', hash, session, carrier: 'raw' }, 'connector2', 0));
    for (let i = 0; i < 4; i++) relay.route(slow.client, 100);
    for (let i = 0; i < 2; i++) relay.route(client, 100);
    expect(closes(relay).map(([handle]) => handle)).toEqual(['connector', 'client']);
    expect(relay.route(client, 1)).toBe(fast.connector);
  });

  test('takes an acknowledgement of what was never sent for a breach', () => {
    const relay = newSwitch({ markEvery: 100 });
    const { connector } = paired(relay);
    relay.takeCommands();
    relay.hear(connector, '{"type":"seen","n":1}', 0);
    expect(closes(relay).map(([, code]) => code)).toEqual(['protocol_error', 'protocol_error']);
  });

  test('refuses a token that was issued before more revocations than it can remember', () => {
    const relay = newSwitch({}, new ExpiringSet(1));
    relay.revoke(['a', hash], 1_000);
    expect(relay.register(registration({ issuedMs: 1_000 }), 'x', 1_001)).toMatchObject({ code: 'revoked' });
    expect(relay.register(registration({ issuedMs: 1_001 }), 'x', 1_001)).toMatchObject({ ok: true });
  });

  test('refuses all of more revocations than it can remember, and hardly anybody else', () => {
    const relay = newSwitch({ connectors: 10_000 }, new ExpiringSet(100));
    const named = Array.from({ length: 1_100 }, (_, i) => `revoked-${i}`);
    relay.revoke(named, 1_000);
    const refused = (names: string[]) =>
      names.filter((jkt) => !relay.register(registration({ jkt, issuedMs: 500 }), 'x', 1_001).ok).length;
    expect(refused(named)).toBe(1_100);
    expect(refused(Array.from({ length: 1_000 }, (_, i) => `other-${i}`))).toBeLessThan(50);
  });

  test('takes a link for dead that has been silent, but not one that accepts', () => {
    const relay = newSwitch();
    paired(relay);
    const later = relayLimits.linkSilenceMs + 1;
    expect(relay.connect(connection(), 's', 'late', later)).toMatchObject({ code: 'connector_offline' });
    expect(closes(relay)).toContainEqual(['link', 'idle_timeout']);
  });

  test('after sleep an end whose other end is gone is closed', () => {
    const relay = newSwitch();
    const { client, link } = paired(relay);
    const saved: { seat: SavedSeat; handle: string }[] = [client, link].map((seat) => ({
      seat: save(seat),
      handle: seat.handle,
    }));
    const awake = newSwitch();
    awake.restore(saved);
    expect(closes(awake)).toEqual([['client', 'peer_gone']]);
    expect(awake.counts).toEqual({ connectors: 1, sessions: 0, waiting: 0 });
  });

  test('lets nobody in while it drains, and tells everybody', () => {
    const relay = newSwitch();
    paired(relay);
    relay.takeCommands();
    relay.drain(1_000, 60_000);
    expect(relay.takeCommands().map(({ seat }) => seat.handle)).toEqual(['link', 'client', 'connector']);
    expect(relay.register(registration(), 'x', 0)).toMatchObject({ code: 'draining' });
    expect(relay.connect(connection(), 's', 'x', 0)).toMatchObject({ code: 'draining' });
  });

  test('keeps its promises on random days', () => {
    for (let seed = 1; seed <= 1_500; seed++) {
      try {
        relaySwitch.run(new SeededRandom(seed));
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});
