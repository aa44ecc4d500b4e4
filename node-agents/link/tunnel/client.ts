/**
 * The Client's end of a tunnel: says HELLO with connection token and ACL, opens flows. The socket comes from
 * `pinned-tls.ts`; at the other end is `connector.ts`. A tunnel that ends takes its flows with it.
 */
import { EventEmitter } from 'node:events';
import type { TLSSocket } from 'node:tls';
import type { Destination } from '#schema/acl/document.ts';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import type { LivenessTiming } from '#schema/path/liveness.ts';
import type { Budget } from '#schema/tunnel/window.ts';
import { Carrier } from './carrier.ts';
import { Flow } from './flow.ts';

export interface TunnelLog {
  debug(event: string, fields?: Record<string, unknown>): void;
}

/** What both ends of a tunnel take. */
export interface TunnelOptions {
  log: TunnelLog;
  /** Monotonic milliseconds, with a fraction: for round trips and silence, never for tokens. */
  now: () => number;
  /** Other than usual. */
  liveness?: Partial<LivenessTiming>;
  /** Bytes that wait for their readers, over all tunnels that share it. */
  sharedBudget?: Budget;
}

export interface ClientTunnelOptions extends TunnelOptions {
  connectionToken: string;
  /** The signed Client ACL for this Remote Network. */
  acl: string;
  /** For WELCOME, default 10 s. */
  timeoutMs?: number;
}

export interface OpenFlow {
  /** `cnx_…`. */
  connectionId: string;
  destination: Destination;
  /** Address of the program behind the Client, or ''. */
  clientAddress: string;
}

interface ClientTunnelEvents {
  /** Once, with why. */
  close: [code: ErrorCode];
  /** No new flow is accepted any more, while those that live go on. */
  goaway: [code: ErrorCode];
  /** The Connector owes an answer; and later, if at all: it has spoken again. */
  doubt: [];
  trust: [];
}

export class ClientTunnel extends EventEmitter<ClientTunnelEvents> {
  /** The Connector has accepted token and ACL; rejects with SallyportError(code) when it refuses. */
  readonly welcomed: Promise<void>;
  readonly #carrier: Carrier;
  #goingAway: ErrorCode | undefined;

  private constructor(socket: TLSSocket, o: ClientTunnelOptions) {
    super();
    // One for each flow that is being opened.
    this.setMaxListeners(0);
    const welcomed = Promise.withResolvers<void>();
    this.welcomed = welcomed.promise;
    this.welcomed.catch(() => {});
    const timer = setTimeout(() => this.close('handshake_timeout'), o.timeoutMs ?? 10_000);
    this.#carrier = new Carrier(socket, {
      ...o,
      role: 'client',
      handler: {
        ...unexpected,
        onWelcome: () => {
          clearTimeout(timer);
          welcomed.resolve();
        },
        onGoAway: (code) => {
          this.#goingAway = code;
          this.emit('goaway', code);
        },
      },
      onClosed: (code) => {
        clearTimeout(timer);
        this.#goingAway ??= code;
        welcomed.reject(new SallyportError(code));
        this.emit('close', code);
      },
      onDoubt: (doubted) => this.emit(doubted ? 'doubt' : 'trust'),
    });
    this.#carrier.mux.hello(o);
  }

  /** Says HELLO; flows may be opened at once, before the Connector has agreed. */
  static start(socket: TLSSocket, o: ClientTunnelOptions): ClientTunnel {
    return new ClientTunnel(socket, o);
  }

  /** `start`, then waits for WELCOME. @throws SallyportError with the code of the refusal. */
  static async open(socket: TLSSocket, o: ClientTunnelOptions): Promise<ClientTunnel> {
    const tunnel = ClientTunnel.start(socket, o);
    await tunnel.welcomed;
    return tunnel;
  }

  /** Live flows. */
  get flows(): number {
    return this.#carrier.mux.size;
  }

  /** Smallest round trip seen lately; NaN before the first. */
  get rttMs(): number {
    return this.#carrier.mux.rttMs;
  }

  /** When anything was last heard from the Connector, by `now`. */
  get heardAt(): number {
    return this.#carrier.mux.heardAt;
  }

  /** Makes the Connector say something, if it still can: else it is soon doubted. */
  probe(): void {
    this.#carrier.probe();
  }

  /** The Connector owes an answer. */
  get doubted(): boolean {
    return this.#carrier.liveness.doubted;
  }

  /** For how long a PING has been without answer, or anything else. */
  get unansweredMs(): number {
    const { pingedAt } = this.#carrier.liveness;
    return pingedAt === undefined ? 0 : this.#carrier.now() - pingedAt;
  }

  /** Flows did something, and nothing has come since. */
  get atWork(): boolean {
    return this.#carrier.liveness.atWork;
  }

  /** No new flow is accepted: open another tunnel. */
  get goingAway(): boolean {
    return this.#goingAway !== undefined;
  }

  /** Never throws: what fails is told by `flow.opened` and its 'error'. */
  openFlow(o: OpenFlow): Flow {
    const flow = new Flow(this.#carrier, 'client');
    try {
      const opened = this.#carrier.mux.open(o, flow);
      if (opened.ok) flow.attach(opened.stream);
      else flow.fail(new SallyportError(opened.code, opened.detail));
    } catch (cause) {
      flow.fail(new SallyportError('bad_request', 'the destination cannot be asked for', { cause }));
    }
    return flow;
  }

  /** The Connector judges by it from now on; when it refuses it, the tunnel goes away. */
  renewAcl(jwt: string): void {
    this.#carrier.mux.renewAcl(jwt);
  }

  /** Ends every flow. */
  close(code: ErrorCode = 'draining'): void {
    this.#carrier.close(code);
  }
}

/** What only a Client sends: the mux refuses it from a Connector. */
const unexpected = {
  onHello: (): void => {},
  onAcl: (): void => {},
  onOpen: (): never => {
    throw new SallyportError('protocol_error');
  },
};
