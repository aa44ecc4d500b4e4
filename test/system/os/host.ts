/**
 * A host of the test's own: a network namespace `host` with a cable to another, `far`, in which nothing
 * listens unless a test does. The test process itself goes into `host` by setns(2), so that what it opens
 * and starts is there; the machine's own network is never touched.
 *
 *   host 10.1.0.1/24, fd01::1/64  ──  far 10.1.0.2/24, fd01::2/64
 */
import { execFileSync } from 'node:child_process';
import { dlopen } from 'node:ffi';
import { closeSync, existsSync, openSync } from 'node:fs';

/** Why there can be none here; undefined where there can. */
export function whyNoHost(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are Linux’s';
  if (process.getuid?.() !== 0) return 'network namespaces want root';
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  return undefined;
}

type Place = 'host' | 'far';

export class LonelyHost {
  readonly #home = openSync('/proc/self/ns/net', 'r');
  readonly #libc = dlopen(null, { setns: { arguments: ['i32', 'i32'], return: 'i32' } });
  #open = true;

  constructor() {
    try {
      for (const place of places) {
        ip(`netns add ${nameOf(place)}`);
        ip(`-n ${nameOf(place)} link set lo up`);
      }
      ip(`link add cable netns ${nameOf('host')} type veth peer name cable netns ${nameOf('far')}`);
      for (const [i, place] of places.entries()) {
        ip(`-n ${nameOf(place)} addr add 10.1.0.${i + 1}/24 dev cable`);
        ip(`-n ${nameOf(place)} addr add fd01::${i + 1}/64 dev cable nodad`);
        // A link-local address would appear among its routes at some later moment.
        ip(`-n ${nameOf(place)} link set cable addrgenmode none up`);
      }
      ip(`-n ${nameOf('host')} route add default via 10.1.0.2`);
      ip(`-n ${nameOf('host')} -6 route add default via fd01::2`);
      this.#enter('host');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** What `command` says in the host, or at the far end. */
  run(command: string, place: Place = 'host'): string {
    return execFileSync('ip', ['netns', 'exec', nameOf(place), 'sh', '-c', command], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Sockets that `open` makes until it resolves are at the far end for good. */
  async atFarEnd<T>(open: () => Promise<T>): Promise<T> {
    this.#enter('far');
    try {
      return await open();
    } finally {
      this.#enter('host');
    }
  }

  /** Also after half a start, and twice. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#libc.functions.setns(this.#home, CLONE_NEWNET);
    closeSync(this.#home);
    for (const place of places) {
      try {
        ip(`netns del ${nameOf(place)}`);
      } catch {
        // It was never made.
      }
    }
  }

  #enter(place: Place): void {
    const fd = openSync(`/run/netns/${nameOf(place)}`, 'r');
    const failed = this.#libc.functions.setns(fd, CLONE_NEWNET) !== 0;
    closeSync(fd);
    if (failed) throw new Error(`cannot enter the network namespace ${nameOf(place)}`);
  }
}

const places = ['host', 'far'] as const;
const CLONE_NEWNET = 0x40000000;
const nameOf = (place: Place): string => `sallyport-os-${process.pid}-${place}`;
const ip = (words: string): string =>
  execFileSync('ip', words.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
