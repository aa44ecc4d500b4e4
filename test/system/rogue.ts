/**
 * A Client that does as it is told by a test and nothing more: real login, real relay, real pinned TLS, but
 * with whatever token, ACL or key the test hands it. Its own checks are what it lacks; the other side's are
 * what the attack tests look at.
 */
import { createPrivateKey } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { ControllerClock } from '#node-agents/link/clock.ts';
import { ControllerClient } from '#node-agents/link/controller.ts';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { connectPinned } from '#node-agents/link/pinned-tls.ts';
import { connectThrough } from '#node-agents/link/relay/meet.ts';
import { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import { realHost } from '#node-agents/process/host.ts';
import { createLog } from '#node-agents/process/log.ts';
import type { TokenAnswer } from '#schema/control/login.ts';
import type { RelayEntry } from '#schema/control/messages.ts';
import type { ServiceKeyFile } from '#schema/control/service-key.ts';
import type { ConnectorHash } from '#schema/ids.ts';

const log = createLog({ level: 'error' });
const host = realHost(log, new AbortController().signal);

/** How it comes to a relay: by a raw stream or a WebSocket to one that runs by itself, or at the edge. */
export const ways = ['raw', 'websocket', 'edge'] as const;
export type Way = (typeof ways)[number];

export class Rogue {
  readonly way: Way;
  readonly identity: Identity;
  readonly controller: ControllerClient;
  readonly clock: ControllerClock;
  readonly answer: TokenAnswer;

  private constructor(
    identity: Identity,
    controller: ControllerClient,
    clock: ControllerClock,
    answer: TokenAnswer,
    way: Way,
  ) {
    this.way = way;
    this.identity = identity;
    this.controller = controller;
    this.clock = clock;
    this.answer = answer;
  }

  static async login(file: ServiceKeyFile, way: Way = 'raw'): Promise<Rogue> {
    const identity = await createIdentity();
    const clock = new ControllerClock(host.now);
    const controller = new ControllerClient({ url: file.network, identity, clock, log, random: host.random });
    const assertionKey = createPrivateKey(file.private_key).toCryptoKey(
      { name: 'ECDSA', namedCurve: 'P-256' },
      false,
      ['sign'],
    );
    const answer = await controller.login({ subject: file.key_id, assertionKey });
    return new Rogue(identity, controller, clock, answer, way);
  }

  get client() {
    return this.answer.client!;
  }

  /** The signed Client ACL and the first Connector of a Remote Network. */
  in(network: string): { acl: string; hash: ConnectorHash } {
    const { acl, connectors } = this.client.networks[network]!;
    return { acl, hash: connectors[0]!.hash as ConnectorHash };
  }

  async freshToken(hash: string): Promise<string> {
    return (await this.controller.connections([hash]))[hash]!;
  }

  /** Through a relay to whoever the token is for. `identity` signs the proof. */
  async meet(connectionToken: string, identity = this.identity): Promise<Duplex> {
    const { clock, way } = this;
    const atEdge = ({ carriers }: RelayEntry) => !carriers.includes('raw');
    const relays = this.answer.relays
      .filter((relay) => atEdge(relay) === (way === 'edge'))
      .map((relay) => ({ ...relay, carriers: [way === 'raw' ? way : ('websocket' as const)] }));
    const { stream } = await connectThrough({
      relays,
      connectionToken,
      identity,
      clock,
      random: host.random,
    });
    return stream;
  }

  /** The whole way to a welcomed tunnel. */
  async tunnel(
    hash: ConnectorHash,
    o: { acl: string; connectionToken?: string; helloToken?: string; tlsIdentity?: Identity },
  ): Promise<ClientTunnel> {
    const connectionToken = o.connectionToken ?? (await this.freshToken(hash));
    const stream = await this.meet(connectionToken);
    const identity = o.tlsIdentity ?? this.identity;
    const socket = await connectPinned(stream, { identity, connectorHash: hash, timeoutMs: 5_000 });
    return ClientTunnel.open(socket, {
      connectionToken: o.helloToken ?? connectionToken,
      acl: o.acl,
      log,
      now: host.monotonic,
    });
  }
}

/** The code that an attempt is refused with. */
export async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'nothing: it was accepted';
}
