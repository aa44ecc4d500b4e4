/**
 * The direct path of one `connector-link.ts`, beside the one through a relay: asked for once flows go there
 * (`schema/path/upkeep.ts`), made of an offer and its answer (`offers.ts`), dialled from both ends
 * (`link/path/punch.ts`), and then a tunnel like any other: the same pins, token, ACL and HELLO.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenPorts } from '#node-agents/link/path/port.ts';
import { connectPinned } from '#node-agents/link/pinned-tls.ts';
import type { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import { fraction } from '#node-agents/process/random.ts';
import type { RelayEntry } from '#schema/control/messages.ts';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import type { ConnectorHash } from '#schema/ids.ts';
import type { Mapping } from '#schema/path/candidates.ts';
import { type PathState, Upkeep } from '#schema/path/upkeep.ts';
import type { Offers } from './offers.ts';
import { openTunnel, type Path, type PathContext } from './path.ts';

/** What the direct paths of a session share. */
export interface DirectContext {
  offers: Offers;
  openPorts: OpenPorts;
  counts: { opened: number; failed: number };
}

export interface DirectPathOptions {
  context: PathContext;
  direct: DirectContext;
  hash: string;
  acl(): string;
  /** Where the Connector waits: these are asked what they see of us. */
  relays(): readonly RelayEntry[];
  /** It is there, and takes flows if it is chosen. */
  onUp(path: Path): void;
}

/** For TLS with whoever answers, then for WELCOME. */
const handshakeMs = 6_000;
/** After each of the first round trips that are measured. */
const measurePauses = [30, 60, 120, 250, 500, 1_000];

export class DirectPath {
  readonly #o: DirectPathOptions;
  readonly #upkeep = new Upkeep();
  readonly #ended = new AbortController();
  #path: Path | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What a NAT in front of this host does, as of the last attempt. */
  mapping: Mapping = 'unknown';
  /** Why the last attempt came to nothing. */
  failure: { code: ErrorCode; detail: string } | undefined;

  constructor(options: DirectPathOptions) {
    this.#o = options;
  }

  get state(): PathState {
    return this.#upkeep.state;
  }

  /** The one that may take flows. */
  get path(): Path | undefined {
    return this.#path;
  }

  /** A flow goes to this Connector. */
  wanted(): void {
    this.#upkeep.wanted(this.#now());
    this.#look();
  }

  /** The relayed path is a new one, so the network may be as well. */
  hurry(): void {
    this.#upkeep.hurry(this.#now());
    this.#look();
  }

  /** It is closed, or takes no new flow. */
  lost(path: Path): void {
    if (this.#path !== path) return;
    this.#path = undefined;
    this.#upkeep.lost(this.#now(), this.#roll());
    this.#look();
  }

  /** For ever. @returns what is left, to be left by its flows. */
  stop(): Path | undefined {
    clearTimeout(this.#timer);
    this.#ended.abort();
    const path = this.#path;
    this.#path = undefined;
    return path;
  }

  #look(): void {
    clearTimeout(this.#timer);
    if (this.#ended.signal.aborted) return;
    const now = this.#now();
    const step = this.#upkeep.next(now, this.#path?.tunnel.flows);
    if (step === 'try') void this.#try();
    if (step === 'let go') {
      const path = this.#path;
      this.#path = undefined;
      path?.tunnel.close();
    }
    const waitMs = this.#upkeep.wakeMs - now;
    if (Number.isFinite(waitMs)) this.#timer = setTimeout(() => this.#look(), Math.max(waitMs, 1)).unref();
  }

  async #try(): Promise<void> {
    const { context, direct, hash, onUp } = this.#o;
    const startedMs = this.#now();
    const log = context.host.log.child({ connector: hash });
    try {
      const tunnel = await this.#make();
      this.failure = undefined;
      this.#path = { tunnel, relay: undefined };
      this.#upkeep.succeeded(this.#now());
      direct.counts.opened++;
      log.info('direct_path_open', { ms: Math.round(this.#now() - startedMs), mapping: this.mapping });
      onUp(this.#path);
      void this.#measure(tunnel);
    } catch (cause) {
      if (this.#ended.signal.aborted) return;
      const error =
        cause instanceof SallyportError ? cause : new SallyportError('internal_error', undefined, { cause });
      direct.counts.failed++;
      this.failure = { code: error.code, detail: error.message };
      this.#upkeep.failed(error.code, this.#now(), this.#roll());
      log.info('direct_path_failed', {
        ...{ code: error.code, reason: error.message, mapping: this.mapping },
        ...(cause !== error && { error: cause }),
      });
    }
    this.#look();
  }

  /** One round trip says little, and as long as no flow goes there nothing else asks for more. */
  async #measure(tunnel: ClientTunnel): Promise<void> {
    for (const pauseMs of measurePauses) {
      if (this.#path?.tunnel !== tunnel) return;
      tunnel.probe();
      await sleep(pauseMs, undefined, { ref: false });
    }
  }

  async #make() {
    const { context, direct, hash, acl, relays } = this.#o;
    // Loaded for the first attempt: the first flow of a Client goes by a relay, and does not wait for these.
    const [{ gather }, { punch }] = await Promise.all([
      import('#node-agents/link/path/gather.ts'),
      import('#node-agents/link/path/punch.ts'),
    ]);
    const { identity, host } = context;
    const { signal } = this.#ended;
    const ports = await direct.openPorts();
    if (ports.length === 0) throw new SallyportError('path_unavailable', 'this host has no port to give');
    try {
      const gathered = await gather(ports, relays(), signal);
      this.mapping = gathered.mapping;
      try {
        host.log.debug('offer', { connector: hash, candidates: gathered.candidates });
        const candidates = await direct.offers.make(hash, gathered.candidates, signal);
        host.log.debug('offer_answered', { connector: hash, candidates });
        const socket = await punch({
          ...{ ports, candidates, listen: true, leaveOthers: false, signal },
          prove: (stream) =>
            connectPinned(stream, {
              identity,
              connectorHash: hash as ConnectorHash,
              timeoutMs: handshakeMs,
            }),
          now: host.monotonic,
          random: host.random,
        });
        const connectionToken = await context.token(hash).catch((error) => {
          socket.destroy();
          throw error;
        });
        return await openTunnel(context, socket, { connectionToken, acl, signal, timeoutMs: handshakeMs });
      } finally {
        gathered.close();
      }
    } finally {
      for (const port of ports) port.close();
    }
  }

  #now(): number {
    return this.#o.context.host.monotonic();
  }

  #roll(): number {
    return fraction(this.#o.context.host.random);
  }
}
