/**
 * A small internet on one machine, in network namespaces of the test's own: `core` (Controller, relays, the
 * public resolver), `client` (a host whose programs use Sallyport), `lan` (devices behind that host), `site` (behind
 * a router in that LAN), `private` (servers) and `connector` (the one host that reaches them). Core forwards nothing,
 * so what a client reads from a private address can only have come through a tunnel. The machine's own network is
 * never touched.
 *
 * Children are put into a namespace by `prefix`. This process goes there itself, by setns(2): it lives in
 * `core` until `close`, and `within` takes it elsewhere for as long as it opens sockets, which stay where
 * they were made. Tests must run on the main thread (vitest's pool `forks`).
 */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';

export type Place = 'core' | 'client' | 'lan' | 'site' | 'connector' | 'private';
const places: readonly Place[] = ['core', 'client', 'lan', 'site', 'connector', 'private'];

/** Where things are. Public names and addresses are those of RFC 5737. */
export const addresses = {
  /** Controller, relays and the public resolver; routed to from everywhere but the LAN. */
  core: '198.51.100.1',
  client: '203.0.113.2',
  connector: '203.0.113.6',
  /** The gateway's leg in the LAN, and a device there. */
  gateway: '192.168.77.1',
  device: '192.168.77.2',
  gateway6: 'fd77::1',
  device6: 'fd77::2',
  /** A server of the site, and the router's leg there. */
  siteServer: '192.168.88.10',
  siteRouter: '192.168.88.1',
  /** Servers that the Connector's host alone has a route to. */
  server: '10.66.0.10',
  server2: '10.66.0.20',
  server6: 'fd66::10',
} as const;

const cloneNewNet = 0x40000000;

export class Namespaces {
  readonly #names: Record<Place, string>;
  readonly #home = openSync('/proc/self/ns/net', 'r');
  readonly #libc = process
    .getBuiltinModule('node:ffi')
    .dlopen(null, { setns: { arguments: ['i32', 'i32'], return: 'i32' } });
  #open = true;

  /** Why there can be none here; undefined where there can. */
  static get unavailable(): string | undefined {
    if (process.platform !== 'linux') return 'network namespaces are Linux’s';
    if (process.getuid?.() !== 0) return 'network namespaces want root';
    if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
    return undefined;
  }

  constructor() {
    const name = (place: Place) => `sallyport-${process.pid}-${place}`;
    this.#names = Object.fromEntries(places.map((place) => [place, name(place)])) as Record<Place, string>;
    try {
      for (const place of places) {
        ip('netns', 'add', this.name(place));
        this.ip(place, 'link set lo up');
      }
      this.#cable('client', '203.0.113.2/30', 'core', '203.0.113.1/30');
      this.#cable('connector', '203.0.113.6/30', 'core', '203.0.113.5/30');
      this.#cable('private', `${addresses.server}/24`, 'connector', '10.66.0.1/24');
      this.#cable('lan', `${addresses.device}/24`, 'client', `${addresses.gateway}/24`);
      this.#cable('site', `${addresses.siteServer}/24`, 'lan', `${addresses.siteRouter}/24`);
      this.ip('core', `addr add ${addresses.core}/32 dev lo`);
      this.ip('client', 'route add default via 203.0.113.1');
      this.ip('connector', 'route add default via 203.0.113.5');
      this.ip('lan', `route add default via ${addresses.gateway}`);
      this.ip('site', `route add default via ${addresses.siteRouter}`);
      this.ip('client', `-6 addr add ${addresses.gateway6}/64 dev lan nodad`);
      this.ip('lan', `-6 addr add ${addresses.device6}/64 dev client nodad`);
      this.ip('lan', `-6 route add default via ${addresses.gateway6}`);
      this.ip('private', `addr add ${addresses.server2}/24 dev connector`);
      this.ip('private', `-6 addr add ${addresses.server6}/64 dev connector nodad`);
      this.ip('connector', '-6 addr add fd66::1/64 dev private nodad');
      // Each its own: the machine's must not be seen there, and still less be changed.
      for (const place of places) {
        mkdirSync(`/etc/netns/${this.name(place)}`, { recursive: true });
        writeFileSync(`/etc/netns/${this.name(place)}/resolv.conf`, `nameserver ${addresses.core}\n`);
      }
      this.#enter('core');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  name(place: Place): string {
    return this.#names[place];
  }

  /** In front of a command that is to run there. */
  prefix(place: Place): string[] {
    return ['ip', 'netns', 'exec', this.name(place)];
  }

  /** Runs `ip` there. */
  ip(place: Place, command: string): string {
    return ip('-n', this.name(place), ...command.split(' '));
  }

  /** Sockets that `open` makes until it resolves are in that place for good. One at a time. */
  async within<T>(place: Place, open: () => Promise<T> | T): Promise<T> {
    this.#enter(place);
    try {
      return await open();
    } finally {
      this.#enter('core');
    }
  }

  /** Removes everything; also after half a start, and twice. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#libc.functions.setns(this.#home, cloneNewNet);
    closeSync(this.#home);
    for (const place of places) {
      rmSync(`/etc/netns/${this.name(place)}`, { recursive: true, force: true });
      try {
        ip('netns', 'del', this.name(place));
      } catch {
        // It was never made.
      }
    }
  }

  #enter(place: Place): void {
    const fd = openSync(`/run/netns/${this.name(place)}`, 'r');
    const failed = this.#libc.functions.setns(fd, cloneNewNet) !== 0;
    closeSync(fd);
    if (failed) throw new Error(`cannot enter the network namespace ${this.name(place)}`);
  }

  #cable(here: Place, hereAddress: string, there: Place, thereAddress: string): void {
    ip(
      'link',
      'add',
      there,
      'netns',
      this.name(here),
      'type',
      'veth',
      'peer',
      'name',
      here,
      'netns',
      this.name(there),
    );
    for (const [place, device, address] of [
      [here, there, hereAddress],
      [there, here, thereAddress],
    ] as const) {
      this.ip(place, `addr add ${address} dev ${device}`);
      this.ip(place, `link set ${device} up`);
    }
  }
}

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });
