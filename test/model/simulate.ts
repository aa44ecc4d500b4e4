/**
 * One run of the whole network from a seed: Controller, relay, Connector, honest Clients and a rogue one, on
 * a virtual clock with delays, lost links, changes of policy and revocations. What must hold:
 *
 * 1. Whatever the Connector forwards, the policy allows at the newest version that it was told of, by its own
 *    ACL or the Client's: no peer can change that.
 * 2. After each change, every flow that still lives is allowed.
 * 3. What an honest Client sends comes back whole and in order, or the flow ends with a code.
 * 4. When everything has settled, what the policy allows works and what it forbids is refused.
 * 5. A peer that breaks the protocol ends its own tunnel alone; the relay holds nothing in the end.
 */
import type { Destination } from '#schema/acl/document.ts';
import type { ConnectorHash } from '#schema/ids.ts';
import { ExpiringSet } from '#schema/relay/once.ts';
import type { Seat } from '#schema/relay/seat.ts';
import { Switch } from '#schema/relay/switch.ts';
import { relayLimits } from '#schema/relay/wire.ts';
import { SeededRandom } from '../fuzz/random.ts';
import { ModelClient, type Outcome } from './client.ts';
import { ModelConnector } from './connector.ts';
import { type ClientAclClaims, ModelController } from './controller.ts';
import { Schedule } from './schedule.ts';

const hash = 'a'.repeat(52) as ConnectorHash;
const hosts = ['db.int', 'web.int', 'git.int', 'mail.int'];
const clients = ['anna', 'ben', 'rogue'];

interface End {
  deliver(bytes: Uint8Array): void;
  closed(): void;
}

interface Joined {
  client: ModelClient;
  cut(): void;
  send(bytes: Uint8Array): void;
}

export interface Tally {
  accepted: number;
  refused: number;
  bytes: number;
  changes: number;
}

/** @throws Error naming what did not hold. */
export function simulate(seed: number, rounds = 60): Tally {
  const random = new SeededRandom(seed);
  const schedule = new Schedule(random);
  const now = () => schedule.now;
  const tally: Tally = { accepted: 0, refused: 0, bytes: 0, changes: 0 };
  const controller = new ModelController(hosts);
  const connector = new ModelConnector(
    {
      accepted(version, client, { host }: Destination) {
        tally.accepted++;
        if (!controller.allowed(version, client, host)) {
          throw new Error(`version ${version} does not allow ${client} → ${host}, but it was forwarded`);
        }
      },
      refused: () => void tally.refused++,
    },
    now,
  );
  const relay = new Switch<End>({
    limits: { ...relayLimits, connectors: 10, sessions: 100 },
    marks: false,
    revoked: new ExpiringSet(1000),
  });
  const issued = new Map<string, ClientAclClaims>();
  /** A Client whose key is revoked gets nothing new, so it tries what it had. */
  const issue = (client: string): string => {
    if (controller.revokedKeys.has(`key_${client}`)) return `acl-${random.int(issued.size + 1)}`;
    const name = `acl-${issued.size}`;
    issued.set(name, controller.clientAcl(client, now()));
    return name;
  };

  // The control channel, which loses its connection now and then.
  const toConnector = schedule.line((run: () => void) => run());
  const push = () => {
    tally.changes++;
    const snapshot = random.chance(0.1);
    toConnector(() => {
      const held = snapshot ? undefined : connector.held.version;
      if (!connector.apply(controller.connectorAcl(held, now()))) {
        connector.apply(controller.connectorAcl(undefined, now()));
      }
    });
  };

  const settleRelay = () => {
    for (const command of relay.takeCommands()) if (command.type === 'close') command.seat.handle.closed();
  };
  const register = () =>
    relay.register(
      { door: 'register', hash, jkt: 'jkt_connector', carrier: 'websocket', issuedMs: now(), uses: [] },
      { deliver() {}, closed() {} },
      now(),
    );

  /** A mux says that it has something while it is busy: it is asked afterwards, once. */
  const soon = (run: () => void) => {
    let due = false;
    return () => {
      if (due) return;
      due = true;
      schedule.after(0, () => {
        due = false;
        run();
      });
    };
  };

  /** Client ⇄ relay ⇄ Connector; undefined when the relay refuses. */
  const join = (
    name: string,
  ): { client: ModelClient; cut(): void; send(bytes: Uint8Array): void } | undefined => {
    let seat: Seat<End> | undefined;
    let far: Seat<End> | undefined;
    const forward = (from: () => Seat<End> | undefined) => (bytes: Uint8Array) => {
      const at = from();
      const to = at && !at.gone ? relay.route(at, bytes.length) : null;
      if (to) for (const piece of pieces(bytes, random)) to.handle.deliver(piece);
    };
    const up = schedule.line(forward(() => seat));
    const down = schedule.line(forward(() => far));
    const client = new ModelClient(
      name,
      now,
      soon(() => drain(client.mux, up)),
    );
    const cut = () => {
      if (seat) relay.leave(seat, 'peer_gone');
      settleRelay();
      client.mux.end('peer_gone');
      connector.lost(mux);
    };
    const mux = connector.tunnel(`jkt_${name}`, (acl) => issued.get(acl), {
      ready: soon(() => drain(mux, down)),
      end: () => schedule.after(200, cut),
    });
    const receive = (into: typeof mux) => (bytes: Uint8Array) => {
      if (into.receive(bytes, now()) !== undefined) schedule.after(200, cut);
    };
    const waiting = relay.connect(
      { door: 'connect', hash, jkt: `jkt_${name}`, carrier: 'raw', issuedMs: now(), uses: [] },
      'secret-of-the-relay',
      { deliver: receive(client.mux), closed: () => client.mux.end('peer_gone') },
      now(),
    );
    if (!waiting.ok) return undefined;
    const told = relay
      .takeCommands()
      .flatMap((one) => (one.type === 'tell' && 'session' in one.message ? [one.message.session] : []));
    const paired = relay.accept(
      { door: 'accept', hash, session: told.at(-1)!, carrier: 'raw' },
      { deliver: receive(mux), closed: () => connector.lost(mux) },
      now(),
    );
    if (!paired.ok) throw new Error(`the relay did not pair: ${paired.code}`);
    seat = paired.client;
    far = paired.connector;
    return { client, cut, send: up };
  };

  register();
  push();
  const tunnels = new Map<string, Joined>();
  /** Rubbish that breaks no rule leaves its tunnel alive. */
  const spoilt: Joined[] = [];
  const act = () => {
    const name = random.pick(clients);
    const host = random.pick(hosts);
    const dice = random.int(100);
    if (dice < 12) {
      controller.grant(name, `res_${host}`);
      push();
    } else if (dice < 22) {
      controller.takeBack(name, `res_${host}`);
      push();
    } else if (dice < 24 && name !== 'anna') {
      controller.revoke(name);
      toConnector(() => connector.revoke([`key_${name}`]));
      push();
    } else if (dice < 30) {
      tunnels.get(name)?.cut();
      tunnels.delete(name);
    } else if (dice < 36 && tunnels.has(name)) {
      tunnels.get(name)!.client.mux.renewAcl(issue(name));
    } else if (dice < 40 && name === 'rogue' && tunnels.has(name)) {
      const tunnel = tunnels.get(name)!;
      tunnel.send(tunnel.client.rubbish(random));
      spoilt.push(tunnel);
      tunnels.delete(name);
    } else {
      const tunnel = tunnels.get(name) ?? join(name);
      if (!tunnel) return;
      if (!tunnels.has(name)) {
        tunnels.set(name, tunnel);
        const any = [...issued.keys()];
        tunnel.client.hello(
          name === 'rogue' && any.length > 0 && random.chance(0.5) ? random.pick(any) : issue(name),
        );
      }
      const length = random.chance(0.2) ? 200_000 + random.int(300_000) : 1 + random.int(5_000);
      tunnel.client.flow(host, random.chance(0.1) ? 2000 : 443, length, ({ bytesBack }) => {
        tally.bytes += bytesBack;
      });
    }
  };
  for (let round = 0; round < rounds; round++) {
    act();
    schedule.run(random.int(60));
  }
  schedule.run(5_000);

  // Everything has settled: the honest get exactly what the policy says.
  for (const name of ['anna', 'ben']) {
    tunnels.get(name)?.cut();
    const tunnel = join(name)!;
    tunnel.client.hello(issue(name));
    for (const host of hosts) {
      let outcome: Outcome | undefined;
      tunnel.client.flow(host, 443, 1000, (one) => {
        outcome = one;
      });
      schedule.run(2_000);
      const allowed = controller.allowed(controller.version, name, host);
      if (outcome === undefined) throw new Error(`${name} → ${host}: the flow never ended`);
      if (allowed !== (outcome.code === null)) {
        throw new Error(
          `${name} → ${host}: allowed is ${allowed}, but it ended with ${outcome.code ?? 'success'}`,
        );
      }
    }
    tunnel.cut();
  }
  for (const { cut } of [...tunnels.values(), ...spoilt]) cut();
  schedule.run(5_000);
  if (relay.counts.sessions !== 0) throw new Error(`the relay still holds ${relay.counts.sessions} sessions`);
  return tally;
}

/** Sends all that a mux has to give. */
function drain(mux: { fill(into: Uint8Array): number }, send: (bytes: Uint8Array) => void): void {
  const into = new Uint8Array(1 << 16);
  for (let n = mux.fill(into); n > 0; n = mux.fill(into)) send(into.slice(0, n));
}

/** A stream may arrive in any division. */
function pieces(bytes: Uint8Array, random: SeededRandom): Uint8Array[] {
  if (bytes.length < 2 || random.chance(0.5)) return [bytes];
  const at = 1 + random.int(bytes.length - 1);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}
