/**
 * A network of the benchmark's own: Linux namespaces keep the machine's settings and other people's traffic
 * out, and let TCP run with `reno`. The usual `bbr` paces loopback to half its speed, which would flatter
 * every ratio to direct loopback.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const inside = 'SALLYPORT_BENCH_NAMESPACE';

/** An address that is not loopback's: without one a host has nothing to be met at directly. */
const address = '198.18.0.1/32';
const cable = [
  'ip link set lo up',
  'ip link add bench0 type veth peer name bench1',
  `ip addr add ${address} dev bench0`,
  'ip link set bench0 up',
  'ip link set bench1 up',
].join(' && ');

/** What is asked of the kernel, for this namespace alone. */
const settings = {
  'net/ipv4/tcp_congestion_control': 'reno',
  // New flows leave ports in TIME_WAIT: enough of them, and usable again.
  'net/ipv4/ip_local_port_range': '10240 65535',
  'net/ipv4/tcp_tw_reuse': '1',
  'net/core/somaxconn': '4096',
};

/**
 * Starts this program again inside a namespace, once; returns there. Returns a sentence when there can be no
 * namespace and the benchmark runs on the machine's own network.
 */
export function enterNamespace(): string | undefined {
  if (process.env[inside]) return configure();
  const unshare = process.getuid!() === 0 ? ['-n'] : ['-Urn'];
  const connected = (command: string) => [...unshare, '--', 'sh', '-c', `${cable} && ${command}`];
  const tried = spawnSync('unshare', connected('true'), { encoding: 'utf8' });
  if (tried.status !== 0) {
    return `no network namespace (${(tried.error?.message ?? tried.stderr).trim()}): TCP runs with ${congestionControl()}`;
  }
  const args = [...connected('exec "$@"'), 'sh', process.execPath, ...process.execArgv];
  process.execve!('/usr/bin/env', ['env', 'unshare', ...args, ...process.argv.slice(1)], {
    ...process.env,
    [inside]: '1',
  });
}

export const congestionControl = () =>
  readFileSync(`/proc/sys/net/ipv4/tcp_congestion_control`, 'utf8').trim();

/** In the namespace that this process is in. @returns what the kernel refused. */
export function configure(): string | undefined {
  const refused = Object.entries(settings).flatMap(([name, value]) => {
    try {
      writeFileSync(`/proc/sys/${name}`, value);
      return [];
    } catch (error) {
      return [`${name} stays (${(error as Error).message})`];
    }
  });
  return refused.length === 0 ? undefined : refused.join('; ');
}
