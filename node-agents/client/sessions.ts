/**
 * Which session is current. The first is waited for with back-off; a changed Service Key starts another
 * beside it and takes over once it has logged in, while flows of the old one may finish; a dead credential
 * ends the Client, unless the key has been replaced in the meantime.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outward } from '#node-agents/link/outward.ts';
import type { OpenPorts } from '#node-agents/link/path/port.ts';
import { backoff } from '#node-agents/process/backoff.ts';
import type { Host } from '#node-agents/process/host.ts';
import type { RelayEntry } from '#schema/control/messages.ts';
import { type Refusal, SallyportError, type Verdict } from '#schema/errors.ts';
import { expiryWarning, type ServiceKey } from './service-key.ts';
import { Session } from './session.ts';

export interface SessionsOptions {
  host: Host;
  /** How Controller and relays are connected to, asked for each session; absent stands for node's way. */
  outward?(): Outward | undefined;
  /** Reads the key again, from where it was read first. */
  readKey(): Promise<Verdict<{ key: ServiceKey }>>;
  /** For direct paths; absent: none. */
  openPorts?: OpenPorts | undefined;
  /** There is another current session, none any more, or its ACLs changed. */
  onAcls?(): void;
}

export class Sessions {
  readonly #o: SessionsOptions;
  readonly #ended = Promise.withResolvers<never>();
  readonly #loggedIn = Promise.withResolvers<void>();
  readonly #closing = new AbortController();
  #current: Session | undefined;
  #key: ServiceKey;
  /** The key of the latest attempt, successful or not yet. */
  #tried: ServiceKey;
  #waitingFor: Refusal = { ok: false, code: 'controller_unreachable', detail: 'not logged in yet' };
  #attempt = new AbortController();
  /** Of the latest session that was told. */
  #relays: readonly RelayEntry[] = [];

  /** @param key the first one, already read. */
  constructor(key: ServiceKey, options: SessionsOptions) {
    this.#key = key;
    this.#tried = key;
    this.#o = options;
    this.#ended.promise.catch(() => {});
  }

  get current(): Session | undefined {
    return this.#current;
  }

  get key(): ServiceKey {
    return this.#key;
  }

  /** URLs of all that this Client itself connects to: Controllers and relays, also of a session that is just starting. */
  get own(): string[] {
    return [this.#key.tenantUrl, this.#tried.tenantUrl, ...this.#relays.map(({ url }) => url)];
  }

  /** Why there is no session, for programs that ask meanwhile. */
  get waitingFor(): Refusal {
    return this.#waitingFor;
  }

  /** Rejects when the Client cannot go on: SallyportError with the code of the dead credential. */
  get ended(): Promise<never> {
    return this.#ended.promise;
  }

  /** Resolves once logged in, or when closed. @throws SallyportError when no further attempt can help. */
  async start(): Promise<void> {
    try {
      await this.#logIn(this.#key);
    } catch (error) {
      if (!(await this.#replacedMeanwhile())) throw error;
    }
    // Another key may have superseded this one before it got through.
    await this.#loggedIn.promise;
  }

  /** Reads the key; a different one takes over. A file that cannot be read or a key that fails changes nothing. */
  async reload(why: string): Promise<void> {
    const { host, readKey } = this.#o;
    const read = await readKey();
    if (!read.ok) {
      return host.log.error('key_reload_failed', { why, code: read.code, reason: read.detail });
    }
    if (sameKey(read.key, this.#tried)) return host.log.info('key_unchanged', { why, key: read.key.keyId });
    host.log.info('key_changed', { why, key: read.key.keyId });
    await this.#logIn(read.key).catch((error) => {
      host.log.error('key_reload_failed', { why, key: read.key.keyId, error });
      this.#tried = this.#key;
      // There is none to go on with.
      if (this.#current === undefined) this.#ended.reject(error);
    });
  }

  close(): void {
    this.#closing.abort();
    this.#loggedIn.resolve();
    this.#attempt.abort();
    this.#current?.close();
  }

  /** Tries until it works, another key supersedes this one, or trying is pointless. */
  async #logIn(key: ServiceKey): Promise<void> {
    this.#tried = key;
    this.#attempt.abort();
    this.#attempt = new AbortController();
    const signal = AbortSignal.any([this.#attempt.signal, this.#closing.signal]);
    const { host } = this.#o;
    const warning = expiryWarning(key, host.now());
    if (warning) host.log.warn('key_expired_locally', { reason: warning });
    const delay = backoff({ firstMs: 500, maxMs: 30_000, random: host.random });
    while (!signal.aborted) {
      try {
        const session = await Session.start(
          {
            key,
            host,
            outward: this.#o.outward?.(),
            onRelays: (relays) => {
              this.#relays = relays;
            },
            openPorts: this.#o.openPorts,
            onAcls: () => this.#o.onAcls?.(),
            onDead: (error) => void this.#dead(key, error),
          },
          signal,
        );
        if (signal.aborted) return session.close();
        return this.#take(key, session);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof SallyportError) || error.permanent) throw error;
        const waitMs = 250 + delay.next();
        host.log.warn('waiting_for_controller', {
          ...{ code: error.code, controller: key.tenantUrl, reason: error.message, retry_in_ms: waitMs },
        });
        host.tell({ status: `waiting for the Controller: ${error.message}` });
        this.#waitingFor = { ok: false, code: 'controller_unreachable', detail: error.message };
        await sleep(waitMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  #take(key: ServiceKey, session: Session): void {
    const previous = this.#current;
    this.#current = session;
    this.#key = key;
    this.#loggedIn.resolve();
    this.#o.host.log.info('logged_in', {
      key: key.keyId,
      instance: session.instance,
      controller: key.tenantUrl,
    });
    this.#o.onAcls?.();
    previous?.retire();
  }

  async #dead(key: ServiceKey, error: SallyportError): Promise<void> {
    this.#o.host.log.error('credential_dead', { key: key.keyId, code: error.code, reason: error.message });
    if (key !== this.#key) return;
    this.#current = undefined;
    this.#o.onAcls?.();
    this.#waitingFor = { ok: false, code: error.code, detail: error.message };
    if (await this.#replacedMeanwhile().catch(() => false)) return;
    this.#ended.reject(error);
  }

  /** Whoever rotates a key may revoke the old one a moment before or after the new file is there. */
  async #replacedMeanwhile(): Promise<boolean> {
    const read = await this.#o.readKey();
    if (!read.ok || sameKey(read.key, this.#key) || this.#closing.signal.aborted) return false;
    this.#key = read.key;
    await this.#logIn(read.key);
    return true;
  }
}

const sameKey = (one: ServiceKey, other: ServiceKey): boolean =>
  one.keyId === other.keyId && one.tenantUrl === other.tenantUrl && one.privateKey.equals(other.privateKey);
