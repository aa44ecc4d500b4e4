/**
 * The Connector's standing with the Controller: login, control channel, the ACL that it brings and keeps
 * current, registration for the relays, revocations with their receipts. What it learns goes to the gate
 * (verdicts), the tunnels (cut, judged again) and the relays (where to be). Without a word from the
 * Controller it goes on for as long as the Tenant's staleness budget says, then everything is refused.
 */
import { hostname } from 'node:os';
import { decodeJwt } from 'jose/jwt/decode';
import { isStale, type Moment } from '#schema/acl/intersect.ts';
import { ConnectorAcl } from '#schema/acl/state.ts';
import type { TokenAnswer } from '#schema/control/login.ts';
import {
  capability,
  type FromAgent,
  type FromController,
  type FromControllerOf,
  type RelayEntry,
} from '#schema/control/messages.ts';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import { renewAfter } from '#schema/token/kinds.ts';
import { verifyToken } from '#schema/token/verify.ts';
import type { ControllerClock } from '../link/clock.ts';
import { type ControlChannel, type ControlState, openControlChannel } from '../link/control.ts';
import type { ControllerClient } from '../link/controller.ts';
import type { Identity } from '../link/identity.ts';
import { type Life, Renewal } from '../link/renewal.ts';
import { type TenantKeys, tenantKeys } from '../link/tenant-keys.ts';
import type { Host } from '../process/host.ts';
import { version } from '../process/version.ts';

export interface SessionOptions {
  controller: ControllerClient;
  clock: ControllerClock;
  identity: Identity;
  host: Pick<Host, 'monotonic' | 'random' | 'log'>;
  labels: Readonly<Record<string, string>>;
  onRelays(relays: RelayEntry[]): void;
  /** @param changed keys of entries. */
  onAcl(changed: ReadonlySet<string>): void;
  /** Cut them; @returns what was cut. */
  onRevoke(ids: ReadonlySet<string>, everything: boolean): { flows: number; tunnels: number };
  /** A Client wants a direct path. */
  onOffer(offer: FromControllerOf<'offer'>): void;
  /** An administrator wants a destination tried. */
  onProbe(probe: FromControllerOf<'probe'>): void;
  onEventsStored(batch: number): void;
  /** The channel is open: what must be told can be told. */
  onOpen(): void;
  /** The credential is dead: the process must end. */
  onDead(error: SallyportError): void;
}

/** Milliseconds before the whole ACL is asked for, and the version that stands for none. */
const snapshotWaitMs = 1_000;
const nothingHeld = 0;

export class Session {
  readonly acl = new ConnectorAcl();
  /** The Tenant's signing keys: kept while the Controller is away, looked up anew for a `kid` not among them. */
  readonly keys: TenantKeys;
  readonly #o: SessionOptions;
  readonly #subject: string;
  readonly #renewal: Renewal;
  #channel: ControlChannel | undefined;
  #answer: TokenAnswer;
  /** What the access token of an answer says: asked for with every event. */
  #read: { token: string; claims: ReturnType<typeof decodeJwt> } | undefined;
  #registration: string;
  #code: ErrorCode | undefined;
  #snapshotTimer: NodeJS.Timeout | undefined;
  /** Counts the openings of the channel. */
  #opening = 0;
  /**
   * Whether the ACL held is known to be the Controller's: from the first one of a channel to its loss. That a
   * channel opens says nothing of what was revoked meanwhile, so it is no word of the Controller's yet.
   */
  #current = false;
  #heardMs = Number.NEGATIVE_INFINITY;
  /** Messages take effect in the order in which they came. */
  #applying: Promise<void> = Promise.resolve();

  /** @param answer of the first login. */
  constructor(o: SessionOptions, subject: string, answer: TokenAnswer) {
    this.#o = o;
    this.#subject = subject;
    this.#answer = answer;
    this.#registration = answer.connector?.registration ?? '';
    this.keys = tenantKeys(o.controller.url, {
      now: o.host.monotonic,
      cacheMaxAge: Number.POSITIVE_INFINITY,
    });
    this.#renewal = new Renewal({
      life: () => this.#life(),
      ask: () => this.#renew(),
      now: () => o.clock.now(),
      random: o.host.random,
    });
  }

  /** Opens the channel and keeps it open. */
  start(): void {
    this.#o.onRelays(this.#answer.relays);
    this.#channel = openControlChannel({
      controller: this.#o.controller,
      login: () => this.#login(),
      hello: () => this.#hello(),
      onMessage: (message) => this.#receive(message),
      onState: (state, code, detail) => this.#enter(state, code, detail),
      now: this.#o.host.monotonic,
      random: this.#o.host.random,
      log: this.#o.host.log,
    });
  }

  /** The network is back: the channel tries now. */
  hurry(): void {
    this.#channel?.hurry();
  }

  close(): void {
    this.#renewal.stop();
    clearTimeout(this.#snapshotTimer);
    this.#channel?.close();
  }

  send(message: FromAgent): boolean {
    return this.#channel?.send(message) ?? false;
  }

  get registration(): string {
    return this.#registration;
  }

  get network(): string {
    return this.#answer.connector?.network ?? '';
  }

  /** The Tenant's name for itself, as its own access token says. */
  get issuer(): string {
    return this.#claims.iss ?? '';
  }

  /** `con_…`. */
  get connector(): string | undefined {
    return this.#claims.sub;
  }

  get #claims(): ReturnType<typeof decodeJwt> {
    const token = this.#answer.access_token;
    if (this.#read?.token !== token) this.#read = { token, claims: decodeJwt(token) };
    return this.#read.claims;
  }

  get state(): { state: ControlState; code: ErrorCode | undefined; heardMs: number } {
    return {
      state: this.#channel?.state ?? 'connecting',
      code: this.#code,
      heardMs: this.#channel?.lastHeardMs ?? Number.NEGATIVE_INFINITY,
    };
  }

  moment(): Moment {
    const nowMs = this.#o.clock.now();
    if (this.#current) this.#heardMs = this.state.heardMs;
    const silenceMs = this.#o.host.monotonic() - this.#heardMs;
    return { nowMs, heardMs: nowMs - silenceMs, linked: this.#current };
  }

  isStale(): boolean {
    return isStale(this.acl, this.moment());
  }

  async #login(): Promise<void> {
    const { controller, identity } = this.#o;
    this.#answer = await controller.login({ subject: this.#subject, assertionKey: identity.cryptoKey });
    this.#registration = this.#answer.connector?.registration ?? this.#registration;
    this.#o.onRelays(this.#answer.relays);
  }

  #hello(): Extract<FromAgent, { type: 'hello' }> {
    return {
      type: 'hello',
      capability,
      version,
      ...(this.acl.version !== undefined && { acl_version: this.acl.version }),
      labels: { ...this.#o.labels },
      hostname: hostname(),
    };
  }

  #enter(state: ControlState, code?: ErrorCode, detail?: string): void {
    this.#code = code;
    if (this.#current && state !== 'open') {
      this.#heardMs = this.state.heardMs;
      this.#current = false;
    }
    if (state === 'open') {
      this.#opening++;
      this.#o.host.log.info('controller_connected', { url: this.#o.controller.url });
      this.#o.onOpen();
      this.#renewal.resume();
    }
    if (state === 'refused') this.#o.onDead(new SallyportError(code ?? 'credential_rejected', detail));
  }

  #receive(message: FromController): void {
    const opening = this.#opening;
    switch (message.type) {
      case 'welcome':
        this.#o.clock.learn(message.now);
        return this.#o.onRelays(message.relays);
      case 'relay_list':
        return this.#o.onRelays(message.relays);
      case 'connector_acl':
        this.#applying = this.#applying
          .then(() => this.#applyAcl(message.token, opening))
          .catch((error) => this.#o.host.log.error('acl_failed', { error }));
        return;
      case 'registration':
        this.#registration = message.token;
        return this.#renewal.look();
      case 'revoke':
        return this.#revoke(message);
      case 'offer':
        return this.#o.onOffer(message);
      case 'probe':
        return this.#o.onProbe(message);
      case 'events_stored':
        return this.#o.onEventsStored(message.batch);
      default: // client_acl is for Clients; restarting and refused concern the channel itself.
    }
  }

  async #applyAcl(token: string, opening: number): Promise<void> {
    const { log } = this.#o.host;
    const verified = await verifyToken('connectorAcl', token, {
      keys: this.keys,
      issuer: this.issuer,
      audience: this.#o.identity.hash,
      nowMs: this.#o.clock.now(),
    });
    if (!verified.ok) {
      log.error('acl_refused', { code: verified.code, reason: verified.detail });
      return this.#askForSnapshot();
    }
    const applied = this.acl.apply(verified.claims);
    if (!applied.ok) {
      log.warn('acl_refused', { code: applied.code, reason: applied.detail });
      return this.#askForSnapshot();
    }
    const { version: now, base, stale } = verified.claims;
    // Below zero: more of it is on its way.
    if (now >= 0) this.#current = opening === this.#opening && this.state.state === 'open';
    this.send({ type: 'ack', version: now });
    log.info('acl_applied', {
      version: now,
      ...(base !== undefined && { base }),
      changed: applied.changed.size,
      resources: this.acl.resources.size,
      stale_after_s: stale,
    });
    this.#renewal.look();
    this.#o.onAcl(applied.changed);
  }

  /**
   * What was refused is missing here while the Controller counts it as told: say that nothing is held. A login brings
   * the Controller's time: a machine that was paused as a whole finds that all that is signed comes from the future.
   */
  #askForSnapshot(): void {
    this.#snapshotTimer ??= setTimeout(async () => {
      await this.#login().catch(() => {});
      this.#snapshotTimer = undefined;
      this.send({ ...this.#hello(), acl_version: nothingHeld });
    }, snapshotWaitMs);
  }

  #revoke(order: FromControllerOf<'revoke'>): void {
    const ids = new Set([...order.keys, ...order.instances, ...order.principals, ...order.jkts]);
    const self = order.connectors.includes(this.#o.identity.hash);
    this.acl.revoke(ids, Math.floor(this.#o.clock.now() / 1000));
    const cut = this.#o.onRevoke(ids, self);
    this.#o.host.log.info('revoked', { revocation: order.revocation, ...cut });
    this.send({
      type: 'receipt',
      revocation: order.revocation,
      flows_cut: cut.flows,
      tunnels_cut: cut.tunnels,
    });
  }

  /** Of ACL and registration whichever is due first: a pushed ACL lives anew, the registration does not. */
  #life(): Life | undefined {
    if (this.acl.version === undefined) return undefined;
    const { renewAt, expiresAt } = this.acl;
    const acl = { renewAtMs: renewAt * 1000, endsMs: expiresAt * 1000 };
    const registration = lifeOf(this.#registration);
    return registration && registration.renewAtMs < acl.renewAtMs ? registration : acl;
  }

  #renew(): void {
    if (!this.send({ type: 'renew' })) return;
    // A key that was withdrawn must not verify for ever.
    this.keys.reload().catch((error) => this.#o.host.log.warn('keys_not_reloaded', { error }));
  }
}

function lifeOf(token: string): Life | undefined {
  try {
    const { iat, exp } = decodeJwt(token);
    if (iat === undefined || exp === undefined) return undefined;
    return { renewAtMs: (iat + (exp - iat) * renewAfter) * 1000, endsMs: exp * 1000 };
  } catch {
    return undefined;
  }
}
