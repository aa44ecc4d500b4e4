/**
 * Transparent mode (design §7): a TUN device takes in what programs send to protected addresses, TCP comes
 * to `tcp.ts`, datagrams and pings to `datagrams.ts`, questions for names to `dns/resolver.ts`, and each of
 * them asks the same `Open` as the proxies do. Routes follow the ACL. At the end everything is removed; after
 * a kill, what is left of the routes refuses protected addresses until the next start, which takes them over.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { DnsSockets } from '#node-agents/link/ask-dns.ts';
import type { DnsWay } from '#node-agents/os/dns-way.ts';
import { connectMarked, createMarkedUdp } from '#node-agents/os/marked-socket.ts';
import { installRoutes, type Routes } from '#node-agents/os/routes.ts';
import { openTunDevice, type TunDevice } from '#node-agents/os/tun-device.ts';
import { backoff } from '#node-agents/process/backoff.ts';
import type { ListenAddress } from '#node-agents/process/config.ts';
import type { Log } from '#node-agents/process/log.ts';
import type { Random } from '#node-agents/process/random.ts';
import type { Destination } from '#schema/acl/document.ts';
import type { SallyportError } from '#schema/errors.ts';
import { formatIp, type Ip, type Prefix, parseIp } from '#schema/name/ip.ts';
import { deviceAddresses, SyntheticNames } from '#schema/name/synthetic.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { Reassembly } from '#schema/packet/reassemble.ts';
import { PacketView, protocols } from '#schema/packet/view.ts';
import { createRecords } from '../dns/records.ts';
import { type RememberedNames, rememberNames } from '../dns/remembered-names.ts';
import { createDnsResolver, type DnsResolver } from '../dns/resolver.ts';
import { createUpstream } from '../dns/upstream.ts';
import type { Access } from '../flow.ts';
import type { Open } from '../opening.ts';
import type { AssociationCounts, Associations } from '../udp/associations.ts';
import { Datagrams } from './datagrams.ts';
import { destinationOf, literalNames } from './destinations.ts';
import { openDnsDoors } from './dns-doors.ts';
import { DnsEntrance } from './dns-entrance.ts';
import { difference, protectedPrefixes } from './protected.ts';
import { createSources } from './sources.ts';
import { Tcp } from './tcp.ts';

export const deviceName = 'sallyport0';

export interface TransparentOptions {
  /** The Tenant's URL: it decides which address a name gets. */
  tenant: string;
  /** File of the names that programs hold addresses of. */
  namesPath: string;
  access(): Access | undefined;
  /** For TCP; never straight out, or what comes from the device would go back into it. */
  open: Open;
  /** For UDP and pings; neither goes straight out. */
  associations: Associations;
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
  readonly #datagrams: Datagrams;
  readonly #tcp: Tcp;
  readonly #records: ReturnType<typeof createRecords>;
  readonly #resolver: DnsResolver;
  readonly #allows: (source: Ip) => boolean;
  readonly #reassembly = new Reassembly();
  readonly #view = new PacketView();
  #frame: Uint8Array<ArrayBuffer> | undefined;
  #entrance: DnsEntrance | undefined;
  #closeDoors = () => {};
  #following = Promise.resolve();
  #remembered: RememberedNames | undefined;
  #device: TunDevice | undefined;
  #routes: Routes | undefined;
  #prefixes: string[] = [];
  #refused = 0;
  #closed = false;

  /** @throws SallyportError tun_unavailable, with what is missing; nothing is left behind then. */
  static async start(options: TransparentOptions): Promise<Transparent> {
    const transparent = new Transparent(options);
    try {
      await transparent.#open();
      return transparent;
    } catch (error) {
      await transparent.close();
      throw error;
    }
  }

  private constructor(o: TransparentOptions) {
    this.#o = o;
    this.#names = new SyntheticNames(o.tenant);
    const write = (frame: Uint8Array) => this.#device?.write(frame) ?? false;
    const destination = (protocol: Destination['protocol'], address: Ip, port?: number) =>
      destinationOf(this.#names, protocol, address, port);
    this.#records = createRecords({ ways: o.associations, random: o.random });
    const resolver = createDnsResolver({
      acls: () => o.access()?.acls,
      nowMs: o.nowMs,
      names: this.#names,
      families: { v4: true, v6: o.ipv6 },
      exempt: o.exempt,
      records: this.#records.ask,
      log: o.log,
    });
    const isResource = (to: Destination | undefined) =>
      to !== undefined && o.access()?.acls.find(to, o.nowMs()).ok === true;
    this.#resolver = resolver;
    this.#allows = createSources(o.gateway, o.monotonic);
    const shared = { ...o, allows: this.#allows, destination, isResource, resolver, upstreamOf, write };
    this.#datagrams = new Datagrams(shared);
    this.#tcp = new Tcp({ ...shared, connectTo });
  }

  get status(): TransparentStatus {
    return {
      device: this.#device?.name ?? '',
      dns: this.#entrance?.way ?? 'off',
      prefixes: this.#prefixes.length,
      tcp: this.#tcp.counts,
      udp: this.#o.associations.counts,
      frames_refused: this.#refused,
    };
  }

  /** The ACL changed. Resolves once its names have addresses and its networks routes. */
  follow(): Promise<void> {
    this.#following = this.#following.then(() => this.#follow());
    return this.#following;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#remembered?.close();
    await this.#entrance?.remove();
    this.#closeDoors();
    this.#tcp.close();
    this.#datagrams.close();
    this.#records.close();
    await this.#routes?.remove();
    this.#device?.close();
  }

  async #follow(): Promise<void> {
    const resources = (this.#o.access()?.acls.resources ?? []).map(({ resource }) => resource);
    this.#names.keep(literalNames(resources));
    if (this.#o.access() !== undefined)
      this.#remembered ??= await rememberNames(this.#names, { path: this.#o.namesPath, log: this.#o.log });
    const { prefixes, left } = protectedPrefixes(resources);
    if (left > 0) this.#o.log.warn('tun_prefixes_left', { left });
    const patterns = resources.flatMap(({ address, alias }) => (alias ? [address, alias] : [address]));
    await this.#entrance
      ?.follow(patterns)
      .catch((error) => this.#o.log.error('tun_dns_failed', { way: this.#entrance?.way, error }));
    const { add, remove } = difference(this.#prefixes, prefixes);
    if (add.length + remove.length === 0) return;
    this.#prefixes = prefixes;
    try {
      await this.#routes?.setPrefixes(prefixes);
    } catch (error) {
      this.#o.log.error('tun_routes_failed', { error });
    }
  }

  async #open(): Promise<void> {
    this.#device = openTunDevice({
      name: deviceName,
      onFrame: (frame, length) => this.#take(this.#plain(frame), length),
      onLost: (error) => void this.#reopen(error),
    });
    this.#prefixes = protectedPrefixes([]).prefixes;
    const { gateway, dns, log } = this.#o;
    await this.#entrance?.remove();
    const entrance = await DnsEntrance.choose(dns, this.#device.name, log);
    this.#entrance = entrance;
    const captured = entrance.way === 'rule' ? 'host' : 'none';
    this.#routes = await installRoutes({
      device: this.#device.name,
      addresses: [`${formatIp(deviceAddresses.v4)}/32`, `${formatIp(deviceAddresses.v6)}/128`],
      prefixes: this.#prefixes,
      captureDns: gateway.length > 0 && dns !== 'off' ? 'all' : captured,
      ipv6: this.#o.ipv6,
    });
    await this.#tcp.listen(this.#o.ipv6);
    this.#closeDoors();
    const door = { host: formatIp(deviceAddresses.v4), port: 53 };
    const doors = [...this.#o.dnsListen, ...(entrance.wantsDoor ? [door] : [])];
    this.#closeDoors = await openDnsDoors(doors, {
      resolver: this.#resolver,
      nameservers: () => entrance.nameservers(),
      sockets: markedSockets,
      room,
      allows: (address) => {
        const ip = parseIp(address);
        return ip !== undefined && this.#allows(ip);
      },
    });
    entrance.install();
    await this.follow();
    log.info('tun_ready', { device: this.#device.name, dns: entrance.way });
  }

  /** Somebody deleted the interface: flows are lost with it, protected addresses stay closed until it is back. */
  async #reopen(error: SallyportError): Promise<void> {
    this.#o.log.error('tun_lost', { reason: error.message });
    this.#tcp.close();
    const delay = backoff({ firstMs: 100, maxMs: 10_000, random: this.#o.random });
    while (!this.#closed) {
      try {
        return await this.#open();
      } catch (again) {
        this.#device?.close();
        this.#o.log.error('tun_not_back', { error: again });
        await sleep(100 + delay.next(), undefined, { ref: false });
      }
    }
  }

  /** The device's buffer as plain bytes: `slice` of a Buffer does not copy, and what is held must be a copy. */
  #plain(frame: Buffer<ArrayBuffer>): Uint8Array {
    if (this.#frame?.buffer !== frame.buffer)
      this.#frame = new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength);
    return this.#frame!;
  }

  #take(frame: Uint8Array, length: number): void {
    const view = this.#view;
    if (parseFrame(view, frame, length) !== undefined) this.#refused++;
    else if (view.fragment) this.#gather(view);
    else if (view.protocol === protocols.tcp) this.#tcp.take(view);
    else if (view.protocol === protocols.udp) this.#datagrams.takeUdp(view);
    else if (view.isEchoRequest) this.#datagrams.takeEcho(view);
  }

  /** Devices behind a gateway send what is longer than their MTU in pieces. */
  #gather(view: PacketView): void {
    if (!this.#allows({ family: view.family, bytes: view.source })) return;
    const whole = this.#reassembly.push(view, this.#o.monotonic());
    if (whole !== undefined) this.#take(whole, whole.length);
  }
}

/** The server that was asked, by sockets that do not come back to the device. */
const upstreamOf = (server: Ip) =>
  createUpstream({
    servers: () => [{ address: formatIp(server), port: 53 }],
    sockets: markedSockets,
    room,
  });

const connectTo = (server: Ip) => markedSockets.tcp({ address: formatIp(server), port: 53 });

/** Half of the questions that may be under way: names of ours are answered whatever becomes of the others. */
const room = { left: 512 };

const markedSockets: DnsSockets = { udp: (family) => createMarkedUdp(family), tcp: connectMarked };
