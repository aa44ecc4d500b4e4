/**
 * Transparent mode (design §7): a TUN device takes in what programs send to protected addresses, TCP comes
 * to `tcp.ts`, datagrams and pings to `datagrams.ts`, questions for names to `dns/resolver.ts`, and each of
 * them asks the same `Open` as the proxies do. Routes follow the ACL. At the end everything is removed; after
 * a kill, what is left of the routes refuses protected addresses until the next start, which takes them over.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DnsWay } from '#node-agents/os/dns-way.ts';
import { strictElsewhere } from '#node-agents/os/reverse-path.ts';
import { installRoutes, leftPrefixes, type Routes } from '#node-agents/os/routes.ts';
import { deviceName, openTunDevice, type TunDevice } from '#node-agents/os/tun-device.ts';
import { backoff } from '#node-agents/process/backoff.ts';
import type { ListenAddress } from '#node-agents/process/config.ts';
import type { Log } from '#node-agents/process/log.ts';
import type { Random } from '#node-agents/process/random.ts';
import type { Destination } from '#schema/acl/document.ts';
import type { SallyportError } from '#schema/errors.ts';
import { contains, formatIp, type Ip, type Prefix, parseIp } from '#schema/name/ip.ts';
import { syntheticV4, syntheticV6 } from '#schema/name/reserved.ts';
import { deviceAddresses, SyntheticNames } from '#schema/name/synthetic.ts';
import { createRecords } from '../dns/records.ts';
import { type RememberedNames, rememberNames } from '../dns/remembered-names.ts';
import { createDnsResolver, type DnsResolver } from '../dns/resolver.ts';
import { createUpstream } from '../dns/upstream.ts';
import type { Access } from '../flow.ts';
import type { Open } from '../opening.ts';
import type { Refused } from '../refusals.ts';
import type { AssociationCounts, Associations } from '../udp/associations.ts';
import { Datagrams } from './datagrams.ts';
import { destinationOf, literalNames } from './destinations.ts';
import { openDnsDoors } from './dns-doors.ts';
import { DnsEntrance } from './dns-entrance.ts';
import { LastKnown } from './last-known.ts';
import { NameGuard } from './name-guard.ts';
import { markedDns } from './own-sockets.ts';
import { Packets } from './packets.ts';
import { difference, protectedPrefixes } from './protected.ts';
import { createSources } from './sources.ts';
import { Tcp } from './tcp.ts';
import { keepUp } from './upkeep.ts';

export interface TransparentOptions {
  /** The Tenant's URL: it decides which address a name gets. */
  tenant: string;
  /** Where it keeps the names that programs hold addresses of, and what was protected last. */
  stateDir: string;
  access(): Access | undefined;
  /** For TCP; never straight out, or what comes from the device would go back into it. */
  open: Open;
  /** For UDP and pings; neither goes straight out. */
  associations: Associations;
  /** Told to whoever asks for `status`, besides what `open` and `associations` tell. */
  refused(refused: Refused): void;
  /** Canonical names of the Controller and the relays: they stay what they are. */
  exempt(): ReadonlySet<string>;
  /** Whether this host has IPv6 at all. */
  ipv6: boolean;
  /** Networks whose devices may use this host, and where they ask for names. */
  gateway: readonly Prefix[];
  dnsListen: readonly ListenAddress[];
  /** How questions for names come here. */
  dns: DnsWay | 'auto';
  /** By the Controller's clock. */
  nowMs(): number;
  /** By the host's own. */
  now(): number;
  monotonic(): number;
  random: Random;
  log: Log;
}

/** As `status` tells it. */
export interface TransparentStatus {
  device: string;
  /** How questions for names come here. */
  dns: DnsWay;
  prefixes: number;
  tcp: { held: number; open: number; closing: number };
  udp: AssociationCounts;
  frames_refused: number;
}

export class Transparent {
  readonly #o: TransparentOptions;
  readonly #names: SyntheticNames;
  readonly #known: LastKnown;
  readonly #datagrams: Datagrams;
  readonly #tcp: Tcp;
  readonly #packets: Packets;
  readonly #records: ReturnType<typeof createRecords>;
  readonly #resolver: DnsResolver;
  readonly #allows: (source: Ip) => boolean;
  readonly #guard: NameGuard;
  #entrance: DnsEntrance | undefined;
  #closeDoors = () => {};
  #endUpkeep = () => {};
  #following = Promise.resolve();
  #remembered: RememberedNames | undefined;
  #device: TunDevice | undefined;
  #routes: Routes | undefined;
  #prefixes: string[] = [];
  #closed = false;

  /**
   * @throws SallyportError tun_unavailable, with what is missing. Nothing is left behind then, but for what a
   * killed daemon had left closed.
   */
  static async start(options: TransparentOptions): Promise<Transparent> {
    const { stateDir, tenant, log } = options;
    const path = join(stateDir, 'protected.json');
    const left = await leftPrefixes();
    const known = await LastKnown.read({ path, tenant, log }, left.filter(notSynthetic));
    const transparent = new Transparent(options, known);
    try {
      await transparent.#open(left.length > 0);
      return transparent;
    } catch (error) {
      await transparent.#close(left.length === 0);
      throw error;
    }
  }

  private constructor(o: TransparentOptions, known: LastKnown) {
    this.#o = o;
    this.#known = known;
    this.#names = new SyntheticNames(o.tenant);
    this.#guard = new NameGuard(o.gateway, o.now, o.log);
    const write = (frame: Uint8Array) => this.#device?.write(frame) ?? false;
    const destination = (protocol: Destination['protocol'], address: Ip, port?: number) =>
      destinationOf(this.#names, protocol, address, port);
    this.#records = createRecords({ ways: o.associations, random: o.random });
    const acls = () => o.access()?.acls ?? known;
    const resolver = createDnsResolver({
      acls,
      nowMs: o.nowMs,
      names: this.#names,
      families: { v4: true, v6: o.ipv6 },
      exempt: o.exempt,
      records: this.#records.ask,
      log: o.log,
    });
    const asksResource = (to: Destination | undefined): boolean => {
      const found = to && acls().find(to, o.nowMs());
      if (found === undefined || (!found.ok && found.code === 'not_a_resource')) return false;
      // The host's own resolver is asked straight, whatever network it is in: nothing here has a name without it.
      return this.#entrance?.nameservers().includes(to!.host) !== true;
    };
    this.#resolver = resolver;
    this.#allows = createSources(o.gateway, o.monotonic);
    const { monotonic } = o;
    const allows = this.#allows;
    const shared = { ...o, allows, destination, asksResource, resolver, upstreamOf, write };
    const isDevice = (address: Ip) => o.gateway.some((network) => contains(network, address));
    this.#datagrams = new Datagrams({ ...shared, isDevice });
    this.#tcp = new Tcp({ ...shared, connectTo });
    this.#packets = new Packets({ tcp: this.#tcp, datagrams: this.#datagrams, allows, monotonic });
  }

  get status(): TransparentStatus {
    return {
      device: this.#device?.name ?? '',
      dns: this.#entrance?.way ?? 'off',
      prefixes: this.#prefixes.length,
      tcp: this.#tcp.counts,
      udp: this.#o.associations.counts,
      frames_refused: this.#packets.refused,
    };
  }

  /** The ACL changed. Resolves once its names have addresses and its networks routes. */
  follow(): Promise<void> {
    this.#following = this.#following.then(() => this.#follow());
    return this.#following;
  }

  close(): Promise<void> {
    return this.#close(true);
  }

  /** @param open what was protected: else it stays closed. */
  async #close(open: boolean): Promise<void> {
    this.#closed = true;
    this.#endUpkeep();
    await this.#remembered?.close();
    await this.#known.close();
    await this.#entrance?.remove();
    this.#closeDoors();
    this.#tcp.close();
    this.#datagrams.close();
    this.#records.close();
    this.#guard.close(open);
    if (open) await this.#routes?.remove();
    this.#device?.close();
  }

  async #follow(): Promise<void> {
    const access = this.#o.access();
    if (access) this.#known.learn(access.acls.resources.map(({ resource }) => resource));
    const { patterns } = this.#known;
    this.#names.keep(literalNames(patterns));
    const path = join(this.#o.stateDir, 'names.json');
    this.#remembered ??= await rememberNames(this.#names, { path, log: this.#o.log });
    await this.#entrance
      ?.follow(patterns)
      .catch((error) => this.#o.log.error('tun_dns_failed', { way: this.#entrance?.way, error }));
    if (this.#entrance && this.#device && !this.#closed) {
      const [{ way }, { name: device }] = [this.#entrance, this.#device];
      this.#guard.follow({ device, way, patterns, exempt: this.#o.exempt() });
    }
    const prefixes = this.#wanted();
    const { add, remove } = difference(this.#prefixes, prefixes);
    if (add.length + remove.length === 0) return;
    this.#prefixes = prefixes;
    try {
      await this.#routes?.setPrefixes(prefixes);
    } catch (error) {
      this.#o.log.error('tun_routes_failed', { error });
    }
  }

  #wanted(): string[] {
    const { prefixes, left } = protectedPrefixes(this.#known.patterns);
    if (left > 0) this.#o.log.warn('tun_prefixes_left', { left });
    return prefixes;
  }

  /** @param keep what is closed already stays closed should this fail. */
  async #open(keep: boolean): Promise<void> {
    this.#device = openTunDevice({
      name: deviceName,
      onFrame: (frame, length) => this.#packets.take(frame, length),
      onLost: (error) => void this.#reopen(error),
    });
    this.#prefixes = this.#wanted();
    const { dns, log } = this.#o;
    await this.#entrance?.remove();
    const entrance = await DnsEntrance.choose(dns, this.#device.name, log);
    this.#entrance = entrance;
    const plan = {
      device: this.#device.name,
      addresses: [`${formatIp(deviceAddresses.v4)}/32`, `${formatIp(deviceAddresses.v6)}/128`],
      prefixes: this.#prefixes,
      captureDns: this.#captured(entrance, this.#device.name),
      ipv6: this.#o.ipv6,
    } as const;
    this.#routes = await installRoutes(plan, keep);
    await this.#tcp.listen(this.#o.ipv6);
    this.#closeDoors();
    const door = { host: formatIp(deviceAddresses.v4), port: 53 };
    const doors = [...this.#o.dnsListen, ...(entrance.wantsDoor ? [door] : [])];
    this.#closeDoors = await openDnsDoors(doors, {
      resolver: this.#resolver,
      nameservers: () => entrance.nameservers(),
      sockets: markedDns,
      room,
      allows: (address) => {
        const ip = parseIp(address);
        return ip !== undefined && this.#allows(ip);
      },
    });
    entrance.install();
    await this.follow();
    this.#endUpkeep();
    this.#endUpkeep = keepUp({ ...this.#o, device: plan.device, routes: this.#routes, guard: this.#guard });
    log.info('tun_ready', { device: this.#device.name, dns: entrance.way });
  }

  /** Whose questions, to whatever server, are answered here. */
  #captured({ way }: DnsEntrance, device: string): 'all' | 'host' | 'none' {
    const { gateway, dns, log } = this.#o;
    const own = way === 'rule' ? 'host' : 'none';
    if (gateway.length === 0 || dns === 'off') return own;
    if (!strictElsewhere(device)) return 'all';
    // The rule that takes them would have the filter drop what this host's own resolvers answer.
    const reason =
      'rp_filter is strict, so only --dns-listen answers devices; or set net.ipv4.conf.all.rp_filter=2';
    log.warn('gateway_dns_not_taken', { reason });
    return own;
  }

  /** Somebody deleted the interface: flows are lost with it, protected addresses stay closed until it is back. */
  async #reopen(error: SallyportError): Promise<void> {
    this.#o.log.error('tun_lost', { reason: error.message });
    this.#endUpkeep();
    this.#tcp.close();
    const delay = backoff({ firstMs: 100, maxMs: 10_000, random: this.#o.random });
    while (!this.#closed) {
      try {
        return await this.#open(true);
      } catch (again) {
        this.#device?.close();
        this.#o.log.error('tun_not_back', { error: again });
        await sleep(100 + delay.next(), undefined, { ref: false });
      }
    }
  }
}

/** The ranges of protected names are nobody's address. */
const notSynthetic = (prefix: string): boolean => prefix !== syntheticV4 && prefix !== syntheticV6;

/** The server that was asked, by sockets that do not come back to the device. */
const upstreamOf = (server: Ip) =>
  createUpstream({
    servers: () => [{ address: formatIp(server), port: 53 }],
    sockets: markedDns,
    room,
  });

const connectTo = (server: Ip) => markedDns.tcp({ address: formatIp(server), port: 53 });

/** Half of the questions that may be under way: names of ours are answered whatever becomes of the others. */
const room = { left: 512 };
