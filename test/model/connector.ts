/**
 * The simulation's Connector: the product's ACL state, judge and mux, without sockets. Each flow that it
 * accepts is put before the reference policy at once, and all live ones again after each change.
 */

import type { Destination } from '#schema/acl/document.ts';
import { type ClientAcl, clientAcl, judge, judgeAcl } from '#schema/acl/intersect.ts';
import { ConnectorAcl } from '#schema/acl/state.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { Mux } from '#schema/tunnel/mux.ts';
import type { MuxStream, StreamHandler } from '#schema/tunnel/stream.ts';
import type { ClientAclClaims, ConnectorAclClaims } from './controller.ts';

export interface Reference {
  /** Fails the run when the policy of this version does not allow it. */
  accepted(version: number, client: string, destination: Destination): void;
  refused(client: string, destination: Destination, code: ErrorCode): void;
}

interface Tunnel {
  mux: Mux;
  acl: ClientAcl | undefined;
  flows: Map<MuxStream, Destination>;
  end(): void;
}

export class ModelConnector {
  readonly held = new ConnectorAcl();
  readonly #tunnels = new Set<Tunnel>();
  readonly #reference: Reference;
  readonly #now: () => number;
  #heardMs = 0;

  constructor(reference: Reference, now: () => number) {
    this.#reference = reference;
    this.#now = now;
  }

  /** @returns false when a snapshot is needed. */
  apply(claims: ConnectorAclClaims): boolean {
    this.#heardMs = this.#now();
    const applied = this.held.apply(claims);
    this.#rejudge();
    return applied.ok;
  }

  revoke(ids: string[]): void {
    this.held.revoke(ids, Math.floor(this.#now() / 1000));
    this.#rejudge();
  }

  get flows(): number {
    return [...this.#tunnels].reduce((sum, { flows }) => sum + flows.size, 0);
  }

  /**
   * A new tunnel of the Client that proved to hold `peerJkt`.
   * @param aclOf what stands for verifying a signature: undefined for an ACL that was never issued.
   */
  tunnel(
    peerJkt: string,
    aclOf: (token: string) => ClientAclClaims | undefined,
    wire: { ready(): void; end(): void },
  ): Mux {
    const admit = (token: string): boolean => {
      const claims = aclOf(token);
      if (!claims || claims.cnf.jkt !== peerJkt || !judgeAcl(claims, this.held, this.#moment()).ok)
        return false;
      tunnel.acl = clientAcl(claims);
      return true;
    };
    const end = (code: ErrorCode) => {
      this.#tunnels.delete(tunnel);
      mux.end(code);
      wire.ready();
      wire.end();
    };
    const mux = new Mux({
      role: 'connector',
      nowMs: this.#now(),
      handler: {
        onReady: wire.ready,
        onWelcome() {},
        onGoAway() {},
        onHello: (hello) => (admit(hello.acl) ? mux.welcome() : end('instance_mismatch')),
        onAcl: (jwt) => {
          if (admit(jwt)) this.#rejudge();
          else mux.goAway('acl_superseded');
        },
        onOpen: (stream, { destination }) => this.#open(tunnel, stream, destination),
      },
    });
    const tunnel: Tunnel = { mux, acl: undefined, flows: new Map(), end: () => end('peer_gone') };
    this.#tunnels.add(tunnel);
    return mux;
  }

  /** The carrier under a tunnel is gone. */
  lost(mux: Mux): void {
    for (const tunnel of this.#tunnels) if (tunnel.mux === mux) this.#tunnels.delete(tunnel);
  }

  #open(tunnel: Tunnel, stream: MuxStream, destination: Destination): StreamHandler {
    const { mux, acl, flows } = tunnel;
    const client = acl?.claims.sub ?? 'nobody';
    const verdict = acl && judge(destination, acl, this.held, this.#moment());
    if (!acl || !verdict?.ok) {
      const code = verdict && !verdict.ok ? verdict.code : 'protocol_error';
      this.#reference.refused(client, destination, code);
      mux.reset(stream, code);
      return silent;
    }
    this.#reference.accepted(this.#known(acl), client, destination);
    flows.set(stream, destination);
    mux.accept(stream, '192.0.2.1');
    return this.#echo(tunnel, stream);
  }

  /** The Resource: sends back what it gets. */
  #echo({ mux, flows }: Tunnel, stream: MuxStream): StreamHandler {
    const waiting: Uint8Array[] = [];
    let sending = 0;
    const next = () => {
      const chunk = waiting.shift();
      if (!chunk) return;
      sending = chunk.length;
      mux.send(stream, chunk);
    };
    return {
      ...silent,
      onData: (slice) => {
        waiting.push(slice.slice());
        if (sending === 0) next();
      },
      onSent: () => {
        const done = sending;
        sending = 0;
        mux.consumed(stream, done, this.#now());
        next();
      },
      onReset: () => void flows.delete(stream),
    };
  }

  #rejudge(): void {
    for (const { mux, acl, flows } of this.#tunnels) {
      for (const [stream, destination] of flows) {
        if (stream.gone) flows.delete(stream);
        else if (acl && judge(destination, acl, this.held, this.#moment()).ok) {
          this.#reference.accepted(this.#known(acl), acl.claims.sub, destination);
        } else {
          flows.delete(stream);
          mux.reset(stream, 'revoked');
        }
      }
    }
  }

  /** The newest version that it was told of. */
  #known(acl: ClientAcl): number {
    return Math.max(this.held.version!, acl.claims.acl.version);
  }

  #moment() {
    return { nowMs: this.#now(), heardMs: this.#heardMs, linked: true };
  }
}

export const silent: StreamHandler = {
  onOpened() {},
  onData() {},
  onDatagram() {},
  onEnd() {},
  onReset() {},
  onSent() {},
};
