/**
 * One Client's tunnel into this Connector: from the stream that a relay hands over, or a direct one, through the pinned TLS
 * handshake and HELLO (`admit.ts`) to its flows (`live-flow.ts`). Knows the Client ACL in force and cuts
 * what it no longer allows. `tunnels.ts` holds them all.
 */
import type { Duplex } from 'node:stream';
import type { ClientAcl } from '#schema/acl/intersect.ts';
import { type ErrorCode, refuse, SallyportError, type Verdict } from '#schema/errors.ts';
import type { ExpiringSet } from '#schema/relay/once.ts';
import type { Identity } from '../link/identity.ts';
import { acceptPinned } from '../link/pinned-tls.ts';
import { ConnectorTunnel, type FlowRequest } from '../link/tunnel/connector.ts';
import { type AdmitVerdict, admit, admitAcl } from './admit.ts';
import type { Gate } from './gate.ts';
import { limits } from './limits.ts';
import { LiveFlow } from './live-flow.ts';

/** How a Client came: through a relay (`rel_…`), or directly as the one whom an offer names. */
export type Origin = { relay: string } | { jkt: string };

export interface TunnelOptions {
  gate: Gate;
  identity: Identity;
  used: ExpiringSet;
  from: Origin;
  /** Monotonic milliseconds. */
  now(): number;
  /** The Client owes an answer. */
  onDoubt(): void;
  onClose(tunnel: Tunnel): void;
}

/** A tunnel without flows whose ACL ran out this long ago is closed, milliseconds. */
const leftoverMs = 60_000;

export class Tunnel {
  readonly #o: TunnelOptions;
  readonly #peerJkt: string;
  readonly #line: ConnectorTunnel;
  readonly #flows = new Set<LiveFlow>();
  closed = false;
  #client: ClientAcl | undefined;
  /** Called when a newer ACL has come or the time for it is over. */
  #awaiting: (() => void)[] = [];
  #awaitTimer: NodeJS.Timeout | undefined;
  #leaveShare: (() => void) | undefined;

  /** @throws SallyportError of the handshake; the stream is destroyed then. */
  static async accept(stream: Duplex, o: TunnelOptions): Promise<Tunnel> {
    const { socket, peerJkt } = await acceptPinned(stream, {
      identity: o.identity,
      timeoutMs: 'jkt' in o.from ? limits.directHandshakeMs : limits.handshakeMs,
    });
    if ('jkt' in o.from && o.from.jkt !== peerJkt) {
      socket.destroy();
      throw new SallyportError('proof_invalid', 'not the key that the offer names');
    }
    return new Tunnel(socket, peerJkt, o);
  }

  private constructor(
    socket: ConstructorParameters<typeof ConnectorTunnel>[0],
    peerJkt: string,
    o: TunnelOptions,
  ) {
    this.#o = o;
    this.#peerJkt = peerJkt;
    this.#line = new ConnectorTunnel(socket, {
      log: o.gate.log,
      now: o.now,
      sharedBudget: o.gate.memory.all,
      onHello: async (hello) => this.#adopt(await admit(hello, peerJkt, o.gate, o.used)),
      onAcl: async (jwt) => this.#adopt(await admitAcl(jwt, peerJkt, o.gate)),
      onFlow: (request) => void this.#run(request),
      onDoubt: (doubted) => doubted && o.onDoubt(),
      onClose: (code) => this.#close(code),
    });
  }

  get flows(): number {
    return this.#flows.size;
  }

  /** Undefined for one that came directly. */
  get relay(): string | undefined {
    return 'relay' in this.#o.from ? this.#o.from.relay : undefined;
  }

  /** Whether it belongs to one of these principals, keys, instances or thumbprints. */
  isOf(ids: ReadonlySet<string>): boolean {
    const { sub, key, instance } = this.#client?.claims ?? {};
    return [this.#peerJkt, sub, key, instance].some((id) => id !== undefined && ids.has(id));
  }

  /** @returns how many flows that ended. */
  cut(code: ErrorCode): number {
    const count = this.#flows.size;
    for (const flow of this.#flows) flow.cut(code);
    this.#line.cut(code);
    return count;
  }

  goAway(code: ErrorCode): void {
    this.#line.goAway(code);
  }

  /**
   * Asks anew of every flow.
   * @param changed keys of the Connector ACL's entries that changed; all count when absent.
   */
  rejudge(changed?: ReadonlySet<string>): void {
    if (!this.#client || (changed && !this.#isAbout(changed))) return;
    for (const flow of this.#flows) {
      if (!flow.verdict?.ok) continue; // Still being judged, or refused.
      const code = flow.rejudge();
      if (code === 'acl_superseded') void this.#newerAcl().then(() => this.#cutIfRefused(flow));
      else if (code) flow.cut(code);
    }
  }

  /** What time alone has ended. */
  checkTime(nowMs: number): void {
    for (const flow of this.#flows) flow.checkTime(nowMs);
    const expiry = (this.#client?.claims.exp ?? Number.POSITIVE_INFINITY) * 1000;
    if (this.#flows.size === 0 && nowMs > expiry + leftoverMs) this.cut('acl_expired');
  }

  #isAbout(changed: ReadonlySet<string>): boolean {
    const { sub, key, instance, cnf } = this.#client!.claims;
    if (changed.has(`floor:${sub}`)) return true;
    if ([sub, key, instance, cnf.jkt].some((id) => changed.has(`revoked:${id}`))) return true;
    return [...this.#flows].some(({ verdict }) => changed.has(`resource:${verdict?.resource?.id}`));
  }

  #adopt(verdict: AdmitVerdict): Verdict<object> {
    const { gate } = this.#o;
    const { principal, key, instance } = namesOf(verdict.ok ? verdict.client : this.#client);
    if (!verdict.ok) {
      gate.log.warn('tunnel_refused', {
        code: verdict.code,
        reason: verdict.detail,
        principal,
        key,
        instance,
      });
      return refuse(verdict.code);
    }
    if (this.closed) return refuse('peer_gone');
    if (this.#client && this.#client.claims.instance !== instance) return refuse('instance_mismatch');
    // What time has ended is told as that; the new ACL no longer knows of it.
    this.checkTime(gate.moment().nowMs);
    const { version } = verdict.client.claims.acl;
    if (!this.#client) {
      const relay = this.relay ?? null;
      gate.log.info('tunnel_open', { principal, key, instance, relay, acl_version: version });
      const share = gate.memory.enter(verdict.client.claims.sub);
      this.#line.shareBudget(share.budget);
      this.#leaveShare = share.leave;
    }
    this.#client = verdict.client;
    this.#endWait();
    this.rejudge();
    return { ok: true };
  }

  async #run(request: FlowRequest): Promise<void> {
    const flow = new LiveFlow(request, {
      gate: this.#o.gate,
      relay: this.relay,
      client: () => this.#client!,
      newerAcl: () => this.#newerAcl(),
    });
    this.#flows.add(flow);
    await flow.run();
    this.#flows.delete(flow);
  }

  #newerAcl(): Promise<void> {
    return new Promise((done) => {
      this.#awaiting.push(done);
      this.#awaitTimer ??= setTimeout(() => this.#endWait(), limits.newAclMs);
    });
  }

  #endWait(): void {
    clearTimeout(this.#awaitTimer);
    this.#awaitTimer = undefined;
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    for (const done of awaiting) done();
  }

  #cutIfRefused(flow: LiveFlow): void {
    const code = flow.rejudge();
    if (code) flow.cut(code);
  }

  #close(code: ErrorCode): void {
    this.#endWait();
    for (const flow of this.#flows) flow.cut(code);
    this.#o.gate.log.info('tunnel_closed', { code, ...namesOf(this.#client) });
    this.closed = true;
    this.#leaveShare?.();
    this.#o.onClose(this);
  }
}

const namesOf = (client: ClientAcl | undefined) => ({
  principal: client?.claims.sub,
  key: client?.claims.key,
  instance: client?.claims.instance,
});
