/**
 * One instance under one Service Key: a fresh key pair, a login, the control channel, the ACLs with their
 * renewals, and the tunnels. `sessions.ts` starts it and decides which one is current; `flow.ts` uses it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose/jwt/decode';
import { ControllerClock } from '#node-agents/link/clock.ts';
import { type ControlChannel, type ControlState, openControlChannel } from '#node-agents/link/control.ts';
import { ControllerClient } from '#node-agents/link/controller.ts';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import type { Outward } from '#node-agents/link/outward.ts';
import type { OpenPorts } from '#node-agents/link/path/port.ts';
import { Renewal } from '#node-agents/link/renewal.ts';
import { type TenantKeys, tenantKeys } from '#node-agents/link/tenant-keys.ts';
import { type Backoff, backoff } from '#node-agents/process/backoff.ts';
import { isDeadCredential } from '#node-agents/process/exit.ts';
import type { Host } from '#node-agents/process/host.ts';
import { version } from '#node-agents/process/version.ts';
import type { TokenAnswer } from '#schema/control/login.ts';
import {
  capability,
  type FromController,
  type FromControllerOf,
  type RelayEntry,
} from '#schema/control/messages.ts';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import { Acls } from './acl.ts';
import { ConnectionTokens } from './connection-tokens.ts';
import { type EventOutbox, eventOutbox } from './events.ts';
import type { Access } from './flow.ts';
import { Offers } from './offers.ts';
import { credentialsOf, type ServiceKey } from './service-key.ts';
import type { Tunnels } from './tunnels.ts';

export interface SessionOptions {
  key: ServiceKey;
  host: Host;
  /** How Controller and relays are connected to. */
  outward: Outward | undefined;
  /** Which relays there are, before any of them is dialled. */
  onRelays?(relays: readonly RelayEntry[]): void;
  /** For direct paths; absent: none. */
  openPorts?: OpenPorts | undefined;
  /** `acls` changed. */
  onAcls?(acls: Acls): void;
  /** The credential is dead; the session has closed its flows. Once. */
  onDead(error: SallyportError): void;
}

/**
 * The control channel tells what changes from now on, and takes as long to load as a tunnel to open: it comes after the
 * first tunnel, or after `tunnelMs` without one, and leaves `flowMs` to the flow that waited for that.
 */
const channelAfter = { tunnelMs: 500, flowMs: 50 };
/** How long a flow waits for an ACL that it has asked for. */
const renewalWaitMs = 1_500;
/** An ACL that is not acceptable is asked for anew, at first after this, with jitter. */
const rejectedMs = { firstMs: 2_000, maxMs: 60_000 };
/** Events go out at this pace, a batch at a time: a program that is refused in a loop floods nobody. */
const eventsEveryMs = 1_000;

export class Session implements Access {
  readonly key: ServiceKey;
  readonly clock: ControllerClock;
  readonly identity: Identity;
  readonly outbox: EventOutbox;
  readonly tunnels: Tunnels;
  readonly instance: string;
  readonly directPaths = { opened: 0, failed: 0 };
  readonly #o: SessionOptions;
  readonly #controller: ControllerClient;
  readonly #keys: TenantKeys;
  readonly #tokens: ConnectionTokens;
  readonly #offers: Offers;
  readonly #channel: ControlChannel;
  /** Has its ACLs. */
  readonly #begun = Promise.withResolvers<void>();
  /** One request for all that want a fresh ACL at the same time. */
  #renewing: Promise<void> | undefined;
  #onAcl: (() => void) | undefined;
  #acls = new Acls();
  #relays = new Map<string, RelayEntry>();
  /** Changes are applied one after the other, in the order in which they came. */
  #applying: Promise<void> = Promise.resolve();
  readonly #renewal: Renewal;
  readonly #rejected: Backoff;
  #rejectedTimer: NodeJS.Timeout | undefined;
  readonly #eventTimer: NodeJS.Timeout;
  #closed = false;

  /**
   * One attempt to log in.
   * @throws SallyportError why not; `isDeadCredential` says whether the key will ever work again.
   */
  static async start(options: SessionOptions, signal: AbortSignal): Promise<Session> {
    const { key, host, outward } = options;
    const identity = await createIdentity();
    const clock = new ControllerClock(host.now);
    const { log, random } = host;
    const url = key.tenantUrl;
    const controller = new ControllerClient({ url, identity, clock, log, random, signal, outward });
    const keys = tenantKeys(controller.url, { now: host.monotonic, outward });
    // Fetched beside the login: a cold start waits for one round trip, not two. What tunnels need is loaded
    // while the Controller thinks: behind the quicker of the two answers, or it would hold back the question.
    const [answer, tunnels] = await Promise.all([
      controller.login(credentialsOf(key)),
      keys
        .reload()
        .catch(() => {})
        .then(() => import('./tunnels.ts')),
    ]);
    const session = new Session(options, { identity, clock, controller, keys, answer, ...tunnels });
    try {
      await session.#applied(answer);
      session.#begun.resolve();
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  private constructor(
    options: SessionOptions,
    made: {
      identity: Identity;
      clock: ControllerClock;
      controller: ControllerClient;
      keys: TenantKeys;
      answer: TokenAnswer;
      Tunnels: typeof Tunnels;
    },
  ) {
    const { host, key, outward } = options;
    this.#o = options;
    this.key = key;
    this.identity = made.identity;
    this.clock = made.clock;
    this.#controller = made.controller;
    this.#keys = made.keys;
    this.instance = made.answer.client?.instance ?? '';
    this.#tokens = new ConnectionTokens((hashes) => this.#controller.connections(hashes), host.monotonic);
    this.#offers = new Offers({ send: (message) => this.#channel.send(message), random: host.random });
    const { openPorts } = options;
    this.tunnels = new made.Tunnels(this.instance, {
      identity: this.identity,
      clock: this.clock,
      ...{ host, outward },
      token: (hash) => this.#tokens.take(hash),
      relays: (ids) => ids.flatMap((id) => this.#relays.get(id) ?? []),
      direct: openPorts && { offers: this.#offers, openPorts, counts: this.directPaths },
    });
    this.#rejected = backoff({ ...rejectedMs, random: host.random });
    this.#renewal = new Renewal({
      life: () => this.#acls,
      ask: () => void this.renewAcl(),
      now: () => this.clock.now(),
      random: host.random,
    });
    this.outbox = eventOutbox((message) => this.#channel.send(message));
    this.#eventTimer = setInterval(() => this.outbox.flush(), eventsEveryMs).unref();
    this.#channel = openControlChannel({
      controller: this.#controller,
      login: () => this.#login(),
      after: this.#firstFlow(),
      hello: () => ({ type: 'hello', capability, version, acl_version: this.#acls.version }),
      onMessage: (message) => this.#receive(message),
      onState: (state, code, detail) => this.#channelIs(state, code, detail),
      now: host.now,
      random: host.random,
      log: host.log,
      outward,
    });
  }

  get acls(): Acls {
    return this.#acls;
  }

  get channelState(): ControlState {
    return this.#channel.state;
  }

  get lastHeardMs(): number {
    return this.#channel.lastHeardMs;
  }

  get relays(): RelayEntry[] {
    return [...this.#relays.values()];
  }

  renewAcl(): Promise<void> {
    this.#renewing ??= this.#askForAcl().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** Another session takes over: live flows may finish, then this one closes. */
  retire(): void {
    this.tunnels.retire();
    const closeWhenEmpty = setInterval(() => {
      if (this.tunnels.flows > 0) return;
      clearInterval(closeWhenEmpty);
      this.close();
    }, 1_000).unref();
  }

  close(): void {
    this.#closed = true;
    this.#renewal.stop();
    clearTimeout(this.#rejectedTimer);
    clearInterval(this.#eventTimer);
    this.outbox.flush();
    this.#channel.close();
    this.tunnels.close();
  }

  async #firstFlow(): Promise<void> {
    await this.#begun.promise;
    await Promise.race([this.tunnels.underWay(), sleep(channelAfter.tunnelMs, undefined, { ref: false })]);
    await sleep(channelAfter.flowMs, undefined, { ref: false });
  }

  async #login(): Promise<void> {
    await this.#applied(await this.#controller.login(credentialsOf(this.key)));
  }

  async #applied({ relays, client }: TokenAnswer): Promise<void> {
    if (client === undefined)
      throw new SallyportError('protocol_error', 'the Controller takes this key for no Client’s');
    this.#listed(relays);
    this.#tokens.offer(client.connections, lifeMsOf(client.connections));
    await this.#apply({ version: client.acl_version, snapshot: true, networks: client.networks });
  }

  #receive(message: FromController): void {
    switch (message.type) {
      case 'welcome':
        this.#offers.welcomed(message.capability);
        this.clock.learn(message.now);
        this.#listed(message.relays);
        this.outbox.restart();
        return this.#renewal.resume();
      case 'relay_list':
        return this.#listed(message.relays);
      case 'answer':
        return this.#offers.answered(message);
      case 'client_acl':
        return void this.#apply(message).then(
          () => this.#channel.send({ type: 'ack', version: message.version }),
          (error) => this.#reject(error),
        );
      case 'revoke':
        return this.tunnels.cut(message.connectors);
      case 'events_stored':
        return this.outbox.stored(message.batch);
      default:
        return;
    }
  }

  #listed(relays: readonly RelayEntry[]): void {
    this.#relays = new Map(relays.map((relay) => [relay.id, relay]));
    this.#o.onRelays?.(relays);
  }

  /** @throws SallyportError when an ACL does not verify: then the one in force stays. */
  #apply(change: Omit<FromControllerOf<'client_acl'>, 'type'>): Promise<void> {
    const applied = this.#applying.then(async () => {
      const verdict = await this.#acls.with(change, {
        keys: this.#keys,
        issuer: this.key.tenantUrl,
        jkt: this.identity.jkt,
        nowMs: this.clock.now(),
      });
      if (!verdict.ok)
        throw new SallyportError(
          verdict.code,
          `the Client ACL is not acceptable: ${verdict.detail ?? verdict.code}`,
        );
      if (this.#closed) return;
      this.#acls = verdict.acls;
      // First: one that is listed all the same was enrolled anew.
      this.tunnels.cut(change.revoked ?? []);
      this.tunnels.update(verdict.acls);
      this.#onAcl?.();
      this.#o.onAcls?.(verdict.acls);
      this.#rejected.reset();
      this.#renewal.look();
      const { version: acl, resources } = this.#acls;
      this.#o.host.log.info('client_acl', {
        version: acl,
        resources: resources.length,
        networks: this.#acls.networks.size,
      });
    });
    this.#applying = applied.catch(() => {});
    return applied;
  }

  /**
   * What was refused is missing here while the Controller counts it as told. It is asked for by a login, which brings
   * the Controller's time too: a machine that was paused as a whole finds that all that is signed comes from the future.
   */
  #reject(error: unknown): void {
    this.#o.host.log.error('client_acl_rejected', { error });
    if (this.#closed) return;
    clearTimeout(this.#rejectedTimer);
    const inMs = this.#rejected.next() + rejectedMs.firstMs / 2;
    const again = (failure: unknown) => {
      this.#died(failure);
      this.#reject(failure);
    };
    this.#rejectedTimer = setTimeout(() => void this.#login().catch(again), inMs).unref();
  }

  async #askForAcl(): Promise<void> {
    const came = new Promise<void>((resolve) => {
      this.#onAcl = resolve;
      setTimeout(resolve, renewalWaitMs).unref();
    });
    if (!this.#channel.send({ type: 'renew' })) void this.#login().catch((error) => this.#died(error));
    await came;
  }

  #channelIs(state: ControlState, code: ErrorCode = 'credential_rejected', detail?: string): void {
    // Also for a version too old: without a channel there is no revocation and no renewal.
    if (state === 'refused') this.#end(new SallyportError(code, detail));
  }

  #died(error: unknown): void {
    if (error instanceof SallyportError && isDeadCredential(error.code)) this.#end(error);
  }

  #end(error: SallyportError): void {
    if (this.#closed) return;
    this.close();
    this.#o.onDead(error);
  }
}

/** Of tokens that were made at the same moment; 0 without any. */
function lifeMsOf(tokens: Record<string, string>): number {
  const [first] = Object.values(tokens);
  const { iat = 0, exp = 0 } = first === undefined ? {} : decodeJwt(first);
  return (exp - iat) * 1000;
}
