/**
 * An internet of many sites in network namespaces of the test's own: `core` in the middle (Controller, relays),
 * and sites, each a router of a given kind with hosts behind it. Routers are what home and office routers are:
 * Linux with nftables, its NAT told how to map and whom to let in (RFC 4787, RFC 5382). Core routes between the
 * outsides of the routers and knows nothing of what lies behind a NAT; every LAN has the same addresses, as the
 * world's do. The machine's own network is never touched.
 *
 * This process lives in `core` until `close`; `within` takes it elsewhere, as in `namespaces.ts`.
 */
import { execFileSync } from 'node:child_process';
import { dlopen } from 'node:ffi';
import { closeSync, openSync } from 'node:fs';
import { Namespaces } from './namespaces.ts';
import { type RouterKind, rulesetOf } from './nat-rules.ts';

export const coreAddress = '198.51.100.1';
export const secondCoreAddress = '198.51.100.2';

export interface Site {
  readonly name: string;
  readonly kind: RouterKind;
  /** Of the router, as others see it. */
  readonly outside: string;
  /** Namespace of the router. */
  readonly router: string;
  /** A host behind it. @param lan which of its LANs; there is no way between them but through the NAT. */
  host(name: string, lan?: 1 | 2): LabHost;
}

export interface LabHost {
  readonly namespace: string;
  readonly address: string;
  /** In front of a command that is to run there. */
  readonly prefix: string[];
  /** A route of its own to somewhere that only this host knows. */
  own(address: string): void;
}

const cloneNewNet = 0x40000000;

export class NatLab {
  readonly #home = openSync('/proc/self/ns/net', 'r');
  readonly #libc = dlopen(null, { setns: { arguments: ['i32', 'i32'], return: 'i32' } });
  readonly #names: string[] = [];
  readonly core: string;
  #sites = 0;
  #open = true;

  static get unavailable(): string | undefined {
    return Namespaces.unavailable;
  }

  constructor() {
    try {
      this.core = this.#namespace('core');
      this.ip(this.core, `addr add ${coreAddress}/32 dev lo`);
      this.ip(this.core, `addr add ${secondCoreAddress}/32 dev lo`);
      this.#sysctl(this.core);
      this.#enter(this.core);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** A router with two LANs behind it. */
  site(name: string, kind: RouterKind): Site {
    const number = ++this.#sites;
    const router = this.#namespace(`${name}-router`);
    this.#sysctl(router);
    const outside = `203.0.113.${4 * number + 2}`;
    this.#cable(this.core, `203.0.113.${4 * number + 1}/30`, router, `${outside}/30`, `s${number}`, 'wan');
    this.ip(router, `route add default via 203.0.113.${4 * number + 1}`);
    // A second address of the router, for NATs that choose one by destination.
    const second = `192.0.2.${number}`;
    this.ip(router, `addr add ${second}/32 dev lo`);
    this.ip(this.core, `route add ${second}/32 via ${outside}`);
    const open = kind === 'none' || kind === 'firewall';
    // Without a NAT the hosts have public addresses.
    const at = (lan: 1 | 2, host: number) =>
      open ? `100.${63 + lan}.${number}.${host}` : `192.168.${lan}.${host}`;
    for (const lan of [1, 2] as const) {
      this.ip(router, `link add lan${lan} type bridge`);
      this.ip(router, `addr add ${at(lan, 1)}/24 dev lan${lan}`);
      this.ip(router, `link set lan${lan} up`);
      if (open) this.ip(this.core, `route add ${at(lan, 0)}/24 via ${outside}`);
    }
    this.nft(router, rulesetOf(kind, { outside, second, relays: '198.51.100.0/24' }));
    let hosts = 1;
    return {
      ...{ name, kind, outside, router },
      host: (called, lan = 1) => {
        const address = at(lan, ++hosts);
        const namespace = this.#namespace(called);
        const port = `h${hosts}`;
        ip('link', 'add', 'lan', 'netns', namespace, 'type', 'veth', 'peer', 'name', port, 'netns', router);
        this.ip(router, `link set ${port} master lan${lan} up`);
        this.ip(namespace, `addr add ${address}/24 dev lan`);
        this.ip(namespace, 'link set lan up');
        this.ip(namespace, `route add default via ${at(lan, 1)}`);
        return {
          ...{ namespace, address },
          prefix: ['ip', 'netns', 'exec', namespace],
          own: (one) => void this.ip(namespace, `addr add ${one}/32 dev lo`),
        };
      },
    };
  }

  ip(namespace: string, command: string): string {
    return ip('-n', namespace, ...command.split(' '));
  }

  /** Loads rules. */
  nft(namespace: string, rules: string): void {
    execFileSync('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], {
      input: rules,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** Sockets that `open` makes until it resolves are in that namespace for good. One at a time. */
  async within<T>(namespace: string, open: () => Promise<T> | T): Promise<T> {
    this.#enter(namespace);
    try {
      return await open();
    } finally {
      this.#enter(this.core);
    }
  }

  /** Removes everything; also after half a start, and twice. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#libc.functions.setns(this.#home, cloneNewNet);
    closeSync(this.#home);
    for (const name of this.#names) ip('netns', 'del', name);
  }

  #namespace(called: string): string {
    const name = `sp-${process.pid}-${called}`;
    ip('netns', 'add', name);
    this.#names.push(name);
    this.ip(name, 'link set lo up');
    return name;
  }

  #sysctl(namespace: string): void {
    execFileSync('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  }

  #enter(namespace: string): void {
    const fd = openSync(`/run/netns/${namespace}`, 'r');
    const failed = this.#libc.functions.setns(fd, cloneNewNet) !== 0;
    closeSync(fd);
    if (failed) throw new Error(`cannot enter the network namespace ${namespace}`);
  }

  #cable(here: string, hereAddress: string, there: string, thereAddress: string, a: string, b: string): void {
    ip('link', 'add', a, 'netns', here, 'type', 'veth', 'peer', 'name', b, 'netns', there);
    for (const [namespace, device, address] of [
      [here, a, hereAddress],
      [there, b, thereAddress],
    ] as const) {
      this.ip(namespace, `addr add ${address} dev ${device}`);
      this.ip(namespace, `link set ${device} up`);
    }
  }
}

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });
