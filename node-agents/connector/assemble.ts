/**
 * The parts of a running Connector and what they tell each other: the session's ACL and revocations go to
 * the tunnels, its relay list to the relays, the relays' Clients to the tunnels, the tunnels' events through
 * the report back to the session. `connector.ts` starts it.
 */
import { join } from 'node:path';
import type { TokenAnswer } from '#schema/control/login.ts';
import type { SallyportError } from '#schema/errors.ts';
import type { ControllerClock } from '../link/clock.ts';
import type { ControllerClient } from '../link/controller.ts';
import type { ConnectorConfig } from '../process/config.ts';
import type { Host } from '../process/host.ts';
import { version } from '../process/version.ts';
import type { KeptIdentity } from './enrol.ts';
import { Census, type Gate } from './gate.ts';
import type { Health } from './health.ts';
import { limits } from './limits.ts';
import { ConnectorLoad } from './load.ts';
import { Memory } from './memory.ts';
import { Offers } from './offers.ts';
import { ReachProbes } from './reach-probe.ts';
import { createRecordResolver } from './record-resolver.ts';
import { Relays } from './relays.ts';
import { createReport, type Report } from './report.ts';
import { createResolver } from './resolve.ts';
import { Session } from './session.ts';
import { SharedMatchers } from './shared-matchers.ts';
import { Spool } from './spool.ts';
import { Tunnels } from './tunnels.ts';

export interface AssembleOptions {
  config: ConnectorConfig;
  host: Host;
  kept: KeptIdentity;
  clock: ControllerClock;
  controller: ControllerClient;
  /** Whom it logs in as, and the answer to its first login. */
  subject: string;
  answer: TokenAnswer;
  onDead(error: SallyportError): void;
}

/** Milliseconds after which a Connector says that it is ready although some relay has not answered yet. */
const settleMs = 3_000;

export class Connector {
  readonly #o: AssembleOptions;
  readonly #session: Session;
  readonly #tunnels: Tunnels;
  readonly #relays: Relays;
  readonly #offers: Offers;
  readonly #probes: ReachProbes;
  readonly #report: Report;
  readonly #load: ConnectorLoad;
  #draining = false;
  #ready = false;

  static async assemble(o: AssembleOptions): Promise<Connector> {
    const { directory } = o.kept;
    const spool = await Spool.open({
      directory: directory && join(directory, 'events'),
      segments: limits.spoolSegments,
      segmentsInMemory: limits.spoolSegmentsInMemory,
      log: o.host.log,
    });
    return new Connector(o, spool);
  }

  private constructor(o: AssembleOptions, spool: Spool) {
    const { clock, controller, host, config } = o;
    const { identity } = o.kept;
    const { log, random } = host;
    this.#o = o;
    const session: Session = new Session(
      {
        controller,
        clock,
        identity,
        host,
        labels: config.labels,
        onRelays: (relays) => this.#relays.update(relays),
        onAcl: (changed) => this.#tunnels.rejudge(changed),
        onRevoke: (ids, all) => this.#tunnels.cut('revoked', all ? undefined : ids),
        onOffer: (offer) => void this.#offers.take(offer),
        onProbe: (probe) => void this.#probes.take(probe),
        onEventsStored: (batch) => this.#report.stored(batch),
        onOpen: () => this.#tell(),
        onDead: o.onDead,
      },
      o.subject,
      o.answer,
    );
    this.#session = session;
    const send: Session['send'] = (message) => session.send(message);
    this.#report = createReport({ spool, send, now: () => clock.now(), random });
    const resolver = createResolver(config.dns);
    const system = config.dns.length === 0 ? resolver : undefined;
    const gate: Gate = {
      acl: session.acl,
      moment: () => session.moment(),
      isStale: () => session.isStale(),
      keys: session.keys,
      issuer: () => session.issuer,
      network: () => session.network,
      connector: () => session.connector,
      hash: identity.hash,
      matchers: new SharedMatchers(),
      resolver,
      records: createRecordResolver(config.dns, random, limits.recordLookUps, system),
      report: this.#report,
      census: new Census(),
      associations: new Census({
        flows: limits.associations,
        flowsPerPrincipal: limits.associationsPerPrincipal,
      }),
      memory: new Memory(),
      log,
    };
    this.#tunnels = new Tunnels(gate, identity, host.monotonic, (relay) => this.#relays.probe(relay));
    this.#relays = new Relays({
      identity,
      clock,
      registration: () => session.registration,
      refusal: () => this.#tunnels.refusal,
      onIncoming: (relay, accept) => void this.#tunnels.take(accept, relay.id),
      onRelayLeaving: (relay) => this.#tunnels.goAway('draining', relay.id),
      onChange: () => this.#tellStanding(),
      onConnected: () => session.hurry(),
      now: host.monotonic,
      random,
      log,
    });
    this.#offers = new Offers({
      openPorts: config.p2p === 'auto' ? openPorts : undefined,
      tunnels: this.#tunnels,
      relays: () => this.#relays.entries,
      refusal: () => this.#tunnels.refusal ?? (session.isStale() ? 'acl_stale' : undefined),
      send,
      now: host.monotonic,
      random,
      log,
    });
    this.#probes = new ReachProbes({ gate, send, now: host.monotonic });
    this.#load = new ConnectorLoad({
      weight: config.weight,
      counts: () => ({ flows: this.#tunnels.flows, tunnels: this.#tunnels.size }),
      onChange: () => {
        const { class: load, weight, utilisation } = this.#load;
        log.info('load_changed', { load, weight, utilisation: Math.round(utilisation * 100) / 100 });
        this.#tellStanding();
      },
      now: host.monotonic,
    });
  }

  /** Resolves when it was asked to end and has drained, or at once when `dead`. */
  async serve(dead: AbortSignal): Promise<void> {
    const { host } = this.#o;
    this.#session.start();
    const announced = this.#announce(AbortSignal.any([dead, host.shutdown]));
    await aborted(AbortSignal.any([dead, host.shutdown]));
    await announced;
    if (dead.aborted) {
      this.#tunnels.cut('revoked');
      await this.#report.finish(0);
      return;
    }
    this.#draining = true;
    host.log.info('draining', { tunnels: this.#tunnels.size, flows: this.#tunnels.flows });
    this.#relays.close();
    this.#offers.close();
    this.#probes.close();
    await Promise.race([this.#tunnels.drain(limits.drainMs), aborted(dead)]);
    await this.#report.finish(limits.flushMs);
    host.log.info('connector_stopped', { events_waiting: this.#report.waiting });
  }

  close(): void {
    this.#load.close();
    this.#offers.close();
    this.#probes.close();
    this.#relays.close();
    this.#session.close();
  }

  health(): Health {
    const { state, code, heardMs } = this.#session.state;
    const { acl } = this.#session;
    const { nowMs } = this.#session.moment();
    const heard = this.#o.host.monotonic() - heardMs;
    const problems = [
      ...(this.#draining ? ['it is draining'] : []),
      ...(state === 'open' ? [] : [`no link to the Controller (${code ?? state})`]),
      ...(this.#relays.connected > 0 ? [] : ['no relay is connected']),
      ...(acl.version === undefined ? ['no ACL yet'] : this.#session.isStale() ? ['the ACL is stale'] : []),
    ];
    return {
      healthy: problems.length === 0,
      problems,
      connector: this.#session.connector ?? null,
      version,
      controller: {
        state,
        heard_s: Number.isFinite(heard) ? Math.round(heard / 1000) : null,
        code: code ?? null,
      },
      relays: this.#relays.described,
      acl: {
        version: acl.version ?? null,
        resources: acl.resources.size,
        stale: this.#session.isStale(),
        expires_s: acl.version === undefined ? null : Math.round(acl.expiresAt - nowMs / 1000),
      },
      tunnels: this.#tunnels.size,
      tunnels_direct: this.#tunnels.direct,
      flows: this.#tunnels.flows,
      weight: this.#load.weight,
      load: this.#load.class,
      utilisation: this.#load.utilisation,
      events_waiting: this.#report.waiting,
      draining: this.#draining,
    };
  }

  /** The channel is open: say where we can be met, and what happened meanwhile. */
  #tell(): void {
    this.#tellStanding();
    this.#report.resume();
    this.#relays.hurry();
  }

  #tellStanding(): void {
    this.#session.send({ type: 'relays', links: this.#relays.links, weight: this.#load.weight });
  }

  /** Ready: with an ACL and reachable at the relays that there are. */
  async #announce(end: AbortSignal): Promise<void> {
    const { host } = this.#o;
    const patience = host.monotonic() + settleMs;
    while (!this.#ready && !end.aborted) {
      const reachable = this.#relays.connected > 0 && (this.#relays.settled || host.monotonic() > patience);
      this.#ready = reachable && this.#session.acl.version !== undefined;
      if (!this.#ready) await new Promise((tick) => setTimeout(tick, 20));
    }
    if (!this.#ready) return;
    host.log.info('connector_ready', {
      connector: this.#session.connector,
      hash: this.#o.kept.identity.hash,
      relays: this.#relays.connected,
      acl_version: this.#session.acl.version,
    });
  }
}

/** Loaded when the first offer comes. */
const openPorts = async () => (await import('../os/path-port.ts')).openPathPorts();

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
