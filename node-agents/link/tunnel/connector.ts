/**
 * The Connector's end of a tunnel: hands HELLO, ACLs and flow requests to whoever judges them, in that
 * order. The socket comes from `pinned-tls.ts`; at the other end is `client.ts`.
 */
import type { TLSSocket } from 'node:tls';
import type { Destination } from '#schema/acl/document.ts';
import { type ErrorCode, refuse, type Verdict } from '#schema/errors.ts';
import type { OpenRequest } from '#schema/tunnel/encode.ts';
import type { Hello } from '#schema/tunnel/frames.ts';
import type { MuxStream, StreamHandler } from '#schema/tunnel/stream.ts';
import type { Budget } from '#schema/tunnel/window.ts';
import { Carrier } from './carrier.ts';
import type { TunnelOptions } from './client.ts';
import { Flow } from './flow.ts';

export interface FlowRequest {
  connectionId: string;
  destination: Destination;
  clientAddress: string;
  /** The destination was reached, at this address: the Client is told, bytes may pass. */
  accept(o: { resolved: string }): Flow;
  refuse(code: ErrorCode): void;
  /** Aborted when the Client gives up or the tunnel ends before the answer. */
  readonly signal: AbortSignal;
}

export interface ConnectorTunnelOptions extends TunnelOptions {
  /** A refusal is told and ends the tunnel. Flows wait for it. */
  onHello(hello: Hello): Promise<Verdict<object>>;
  /** A refusal ends the tunnel for new flows (GOAWAY); those that live go on under the ACL in force. */
  onAcl(jwt: string): Promise<Verdict<object>>;
  onFlow(request: FlowRequest): void;
  /** The Client owes an answer, and later: it has spoken again. */
  onDoubt?(doubted: boolean): void;
  /** Once, at the end, however it came. */
  onClose(code: ErrorCode): void;
  /** For HELLO, default 10 s. */
  timeoutMs?: number;
}

/** ACLs that wait to be judged. */
const mostUnjudged = 4;

export class ConnectorTunnel {
  readonly #carrier: Carrier;
  readonly #o: ConnectorTunnelOptions;
  /** Flow requests that came before HELLO was judged. */
  #early: FlowRequest[] | undefined = [];
  /** ACLs are judged one after the other, after HELLO. */
  #judged: Promise<void> = Promise.resolve();
  readonly #unjudgedAcls: string[] = [];
  #closed = false;

  constructor(socket: TLSSocket, o: ConnectorTunnelOptions) {
    this.#o = o;
    const timer = setTimeout(() => this.cut('handshake_timeout'), o.timeoutMs ?? 10_000);
    this.#carrier = new Carrier(socket, {
      ...o,
      role: 'connector',
      handler: {
        onWelcome: () => {},
        onHello: (hello) => {
          clearTimeout(timer);
          this.#judge(
            () => o.onHello(hello),
            () => this.#welcome(),
            (code) => this.cut(code),
          );
        },
        onAcl: (jwt) => {
          // The newest makes those before it superfluous, and each may be megabytes.
          if (this.#unjudgedAcls.length >= mostUnjudged) return void this.#unjudgedAcls.splice(-1, 1, jwt);
          this.#unjudgedAcls.push(jwt);
          this.#judge(
            () => o.onAcl(this.#unjudgedAcls.shift()!),
            () => {},
            (code) => this.goAway(code),
          );
        },
        onOpen: (stream, request) => this.#onOpen(stream, request),
      },
      onClosed: (code) => {
        clearTimeout(timer);
        this.#closed = true;
        this.#early = undefined;
        o.onClose(code);
      },
    });
  }

  /** Live flows, those not yet answered included. */
  get flows(): number {
    return this.#carrier.mux.size;
  }

  /** Smallest round trip seen lately; NaN before the first. */
  get rttMs(): number {
    return this.#carrier.mux.rttMs;
  }

  /** From now on out of this one. */
  shareBudget(budget: Budget): void {
    if (!this.#closed) this.#carrier.mux.budget.moveBelow(budget);
  }

  /** Resets every flow and closes, all with this code. */
  cut(code: ErrorCode): void {
    this.#carrier.close(code);
  }

  /** Accepts no new flow; closes with the last one. */
  goAway(code: ErrorCode): void {
    this.#carrier.goAway(code);
  }

  #judge(
    ask: () => Promise<Verdict<object>>,
    accepted: () => void,
    refused: (code: ErrorCode) => void,
  ): void {
    this.#judged = this.#judged.then(async () => {
      if (this.#closed) return;
      const verdict = await ask().catch((): Verdict<object> => refuse('internal_error'));
      if (this.#closed) return;
      if (verdict.ok) accepted();
      else refused(verdict.code);
    });
  }

  #welcome(): void {
    this.#carrier.mux.welcome();
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const request of early) this.#o.onFlow(request);
  }

  #onOpen(stream: MuxStream, { connectionId, destination, clientAddress }: OpenRequest): StreamHandler {
    const flow = new Flow(this.#carrier, 'connector');
    flow.attach(stream);
    const { mux } = this.#carrier;
    let controller: AbortController | undefined;
    const request: FlowRequest = {
      connectionId,
      destination,
      clientAddress,
      accept({ resolved }) {
        mux.accept(stream, resolved);
        flow.onOpened(resolved);
        return flow;
      },
      refuse: (code) => flow.reset(code),
      get signal() {
        if (controller === undefined) {
          const made = new AbortController();
          controller = made;
          if (flow.destroyed) made.abort();
          else flow.once('close', () => stream.opened || made.abort());
        }
        return controller.signal;
      },
    };
    if (this.#early === undefined) this.#o.onFlow(request);
    else this.#early.push(request);
    return flow;
  }
}
