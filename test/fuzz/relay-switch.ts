/**
 * The relay's switch under everybody at once: Connectors come, go and come again, Clients wait, give up, are
 * revoked, text is nonsense, the host sleeps in between. After every step: bytes reach exactly the other end
 * of their own session, nobody is told anything after being closed, and every bound holds.
 */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { ConnectorHash } from '#schema/ids.ts';
import { ExpiringSet } from '#schema/relay/once.ts';
import { type Seat, save } from '#schema/relay/seat.ts';
import { Switch } from '#schema/relay/switch.ts';
import { type OnPair, relayLimits, type ToConnector } from '#schema/relay/wire.ts';
import type { SeededRandom } from './random.ts';
import type { Target } from './target.ts';

/** A socket as the world outside sees it: what it was told, and whether it is still there. */
interface Socket {
  name: number;
  open: boolean;
  closedBy: string | null | undefined;
  told: (ToConnector | OnPair)[];
}
type Place = Seat<Socket>;

const limits = {
  ...relayLimits,
  connectors: 3,
  sessions: 12,
  sessionsPerConnector: 5,
  unacknowledgedBytes: 1_000,
  unacknowledgedInAll: 2_000,
  markEvery: 100,
};

class World {
  readonly random: SeededRandom;
  /** Whether the host asks for acknowledgements. */
  readonly marks: boolean;
  now = 1_000_000;
  readonly revoked = new Set<string>();
  readonly revokedIds = new ExpiringSet(10_000);
  relay: Switch<Socket>;
  seats: Place[] = [];
  /** Client and Connector end of each session that was ever paired, by socket. */
  readonly otherEnd = new Map<Socket, Socket>();
  /** Secrets that a link was told, whether still good or not. */
  secrets: { hash: ConnectorHash; session: string }[] = [];
  #names = 0;

  constructor(random: SeededRandom) {
    this.random = random;
    this.marks = random.chance(0.7);
    this.relay = this.#newSwitch();
  }

  #newSwitch(): Switch<Socket> {
    return new Switch<Socket>({ limits, marks: this.marks, revoked: this.revokedIds });
  }

  socket(): Socket {
    return { name: this.#names++, open: true, closedBy: undefined, told: [] };
  }

  hash(): ConnectorHash {
    return `connector-${this.random.int(4)}` as ConnectorHash;
  }

  live(): Place[] {
    return this.seats.filter((seat) => seat.handle.open);
  }

  /** Does what the switch wants, as a host would. */
  perform(): void {
    while (this.relay.hasCommands) {
      for (const command of this.relay.takeCommands()) {
        const { handle } = command.seat;
        ok(handle.open, `${command.type} for a socket that is already closed`);
        if (command.type === 'close') {
          handle.open = false;
          handle.closedBy = command.code;
        } else {
          handle.told.push(command.message);
          if (command.message.type === 'incoming') {
            this.secrets.push({ hash: command.seat.hash, session: command.message.session });
          }
        }
      }
    }
    for (const seat of this.seats) {
      if (!seat.handle.open) strictEqual(this.relay.route(seat, 1), null, 'bytes of a closed socket went on');
    }
    this.seats = this.live();
  }

  /** The host forgets everything but what it saved beside each socket. Waiting Clients lose their request. */
  sleep(): void {
    for (const seat of this.seats) {
      if (seat.kind === 'client' && seat.peer === null) this.relay.leave(seat, 'cancelled');
    }
    for (const seat of this.seats) if (seat.kind === 'client' && seat.peer === null) seat.handle.open = false;
    this.perform();
    const saved = this.seats.map((seat) => ({
      seat: JSON.parse(JSON.stringify(save(seat))),
      handle: seat.handle,
    }));
    this.relay = this.#newSwitch();
    this.seats = this.relay.restore(this.random.chance(0.5) ? saved : saved.toReversed());
    ok(!this.relay.hasCommands, 'whole pairs are restored without closing anybody');
  }
}

const steps: Record<string, (world: World) => void> = {
  register(world) {
    const { random, relay, now } = world;
    const hash = world.hash();
    const who = { door: 'register', hash, jkt: `key-of-${hash}`, carrier: 'websocket' } as const;
    const before = world.live().find(({ kind, hash: of }) => kind === 'link' && of === hash);
    const handle = world.socket();
    const verdict = relay.register({ ...who, issuedMs: now - random.int(10), uses: [] }, handle, now);
    if (!verdict.ok) {
      ok(['revoked', 'limit_reached'].includes(verdict.code), verdict.code);
      return;
    }
    ok(!world.revoked.has(hash) && !world.revoked.has(who.jkt), 'a revoked Connector was seated');
    world.seats.push(verdict.seat);
    world.perform();
    strictEqual(handle.told[0]?.type, 'registered');
    if (before) strictEqual(before.handle.closedBy, 'replaced');
  },

  connect(world) {
    const { random, relay, now } = world;
    const jkt = `client-${random.int(6)}`;
    const who = {
      door: 'connect',
      hash: world.hash(),
      jkt,
      carrier: 'raw',
      issuedMs: now,
      uses: [],
    } as const;
    const verdict = relay.connect(
      { ...who, uses: [] },
      `secret-${random.int(1_000_000)}`,
      world.socket(),
      now,
    );
    if (!verdict.ok) {
      ok(['revoked', 'limit_reached', 'connector_offline'].includes(verdict.code), verdict.code);
      return;
    }
    ok(!world.revoked.has(jkt) && !world.revoked.has(who.hash), 'a revoked Client was let in');
    world.seats.push(verdict.seat);
  },

  accept(world) {
    const { random, relay, now } = world;
    const known = random.chance(0.8) ? world.secrets.at(-1 - random.int(4)) : undefined;
    const { hash, session } = known ?? { hash: world.hash(), session: nonsense(random) };
    const handle = world.socket();
    const elsewhere = {
      door: 'accept',
      hash: 'connector-x' as ConnectorHash,
      session,
      carrier: 'raw',
    } as const;
    ok(!relay.accept(elsewhere, handle, now).ok, 'a session was accepted through another Connector');
    const verdict = relay.accept({ door: 'accept', hash, session, carrier: 'raw' }, handle, now);
    if (!verdict.ok) return strictEqual(verdict.code, 'peer_gone');
    ok(known, 'a session was accepted by a secret that nobody was told');
    const { client, connector } = verdict;
    strictEqual(client.hash, hash);
    ok(client.handle.open && !world.otherEnd.has(client.handle), 'a session was accepted twice');
    world.otherEnd.set(client.handle, connector.handle).set(connector.handle, client.handle);
    world.seats.push(connector);
    ok(!relay.accept({ door: 'accept', hash, session, carrier: 'raw' }, world.socket(), now).ok);
  },

  bytes(world) {
    const seat = anySeat(world);
    if (seat === undefined) return;
    for (let i = world.random.int(20); i >= 0; i--) {
      const peer = world.relay.route(seat, world.random.int(120));
      if (peer === null) break;
      strictEqual(peer.handle, world.otherEnd.get(seat.handle), 'bytes went to another session');
      const under = peer.forwarded - peer.seen;
      ok(!world.marks || under <= limits.unacknowledgedBytes, 'a receiver is sent more than the bound');
    }
  },

  acknowledge(world) {
    const seat = anySeat(world);
    const mark = seat?.handle.told.findLast(({ type }) => type === 'mark');
    if (seat && mark?.type === 'mark') {
      world.relay.hear(seat, JSON.stringify({ type: 'seen', n: mark.n }), world.now);
      ok(!seat.gone, 'an honest acknowledgement closed the pair');
    }
  },

  text(world) {
    const seat = anySeat(world);
    if (seat) world.relay.hear(seat, nonsense(world.random), world.now);
  },

  decline(world) {
    const link = world.live().find(({ kind }) => kind === 'link');
    const session = world.secrets.at(-1)?.session ?? '1.x';
    const code = world.random.pick(['draining', 'limit_reached', 'no such code']);
    if (link) world.relay.hear(link, JSON.stringify({ type: 'decline', session, code }), world.now);
  },

  leave(world) {
    const seat = anySeat(world);
    if (seat === undefined) return;
    seat.handle.open = false;
    world.relay.leave(seat, world.random.pick([null, 'peer_gone', 'frame_too_large']));
    world.relay.leave(seat, null);
    world.perform();
    if (seat.kind !== 'link') return;
    const waiting = world
      .live()
      .filter(({ kind, peer, hash }) => kind === 'client' && !peer && hash === seat.hash);
    deepStrictEqual(waiting, [], 'a Client waits for a Connector that has left');
  },

  revoke(world) {
    const name = world.random.chance(0.8) ? `client-${world.random.int(6)}` : `key-of-${world.hash()}`;
    if (!world.random.chance(0.3)) return;
    world.revoked.add(name);
    world.relay.revoke([name], world.now);
    world.perform();
    ok(!world.live().some(({ jkt }) => jkt === name), 'a revoked key is still seated');
  },

  time(world) {
    world.now += world.random.int(world.random.chance(0.1) ? 70_000 : 2_000);
    world.relay.expire(world.now);
    world.perform();
    for (const seat of world.live()) {
      const waits = seat.kind === 'client' && seat.peer === null;
      ok(!waits || world.now - seat.sinceMs < limits.handshakeMs, 'a Client waits for too long');
    }
  },

  sleep: (world) => world.sleep(),
};

function anySeat(world: World): Place | undefined {
  const live = world.live();
  return live.length === 0 ? undefined : world.random.pick(live);
}

function nonsense(random: SeededRandom): string {
  return random.pick([
    () => '',
    () => '1.',
    () => '{"type":"seen","n":-1}',
    () => `{"type":"seen","n":${random.int(1_000_000)}}`,
    () => '{"type":"decline","session":"1.1","code":"__proto__"}',
    () => `{"type":"unheard of","n":${'9'.repeat(random.int(400))}}`,
    () => `${random.int(20)}.secret-${random.int(1_000_000)}`,
    () => String.fromCharCode(...random.bytes(random.int(40))),
    () => 'x'.repeat(relayLimits.textBytes + 1),
    () => '[]',
    () => 'null',
  ])();
}

function check(world: World): void {
  const { relay } = world;
  const live = world.live();
  deepStrictEqual(
    new Set(relay.seats().map(({ handle }) => handle)),
    new Set(live.map(({ handle }) => handle)),
  );
  const clients = live.filter(({ kind }) => kind === 'client');
  strictEqual(relay.counts.sessions, clients.length);
  strictEqual(relay.counts.waiting, clients.filter(({ peer }) => peer === null).length);
  ok(relay.counts.connectors <= limits.connectors && relay.counts.sessions <= limits.sessions);
  for (const seat of live) {
    ok(!seat.gone);
    if (seat.kind === 'connector' || seat.peer !== null) {
      strictEqual(seat.peer?.peer, seat, 'a session has two ends that know each other');
      strictEqual(seat.peer.handle, world.otherEnd.get(seat.handle));
    }
  }
}

export const relaySwitch: Target = {
  name: 'relay/switch',
  run(random) {
    const world = new World(random);
    const names = Object.keys(steps);
    // Some worlds are busier with one thing than with others.
    const often = random.pick(names);
    for (let i = 40 + random.int(160); i > 0; i--) {
      steps[random.chance(0.3) ? often : random.pick(names)]!(world);
      world.perform();
      check(world);
    }
    world.relay.drain(1, 2);
    world.relay.closeAll('draining');
    world.perform();
    check(world);
    deepStrictEqual(world.relay.counts, { connectors: 0, sessions: 0, waiting: 0 });
  },
};
