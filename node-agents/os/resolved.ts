/**
 * systemd-resolved, where it runs: our device becomes a link with a resolver of its own, which is asked for
 * protected names alone (`routing-domains.ts`). Gone with the device, whatever becomes of the daemon.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { SallyportError } from '#schema/errors.ts';

export interface ResolvedOptions {
  device: string;
  /** Addresses that our resolver listens on, port 53. */
  servers: readonly string[];
  /** As `routingDomains` makes them. */
  domains: readonly string[];
}

/** Where it keeps what it tells others, while it runs. */
export const resolvedFolder = '/run/systemd/resolve';
/** The resolvers behind it: asked by way of itself, it would ask us again. */
export const behindResolved = `${resolvedFolder}/resolv.conf`;
const timeoutMs = 5_000;

/** Whether it runs and may be told: else another way is needed. */
export async function resolvedRuns(command = 'resolvectl', file = behindResolved): Promise<boolean> {
  return existsSync(file) && (await run(command, ['--no-pager', 'status'])).ok;
}

/** Whether it knows our link as it was told; not while it cannot be asked. */
export async function knownToResolved(
  { device, servers, domains }: ResolvedOptions,
  command = 'resolvectl',
): Promise<boolean> {
  for (const [what, wanted] of [
    ['dns', servers],
    ['domain', domains],
  ] as const) {
    const { said } = await run(command, ['--no-pager', what, device]);
    // `Link 7 (sallyport0): ~a ~b`, over several lines if need be.
    const known = said
      .replace(/^.*?\):/, '')
      .split(/\s+/)
      .filter(Boolean);
    if (known.toSorted().join(' ') !== wanted.toSorted().join(' ')) return false;
  }
  return true;
}

/** Again whenever the domains change. @throws SallyportError tun_unavailable with what resolvectl said. */
export async function configureResolved(
  { device, servers, domains }: ResolvedOptions,
  command = 'resolvectl',
): Promise<void> {
  for (const args of resolvedCommands({ device, servers, domains })) {
    const done = await run(command, args);
    if (!done.ok) throw new SallyportError('tun_unavailable', `resolvectl ${args[0]}: ${done.why}`);
  }
}

/** Forgets our link; one that is not there any more is no failure. */
export async function revertResolved(device: string, command = 'resolvectl'): Promise<void> {
  await run(command, ['revert', device]);
}

/** In this order, so that nothing is asked here that is not ours. */
export const resolvedCommands = ({ device, servers, domains }: ResolvedOptions): string[][] => [
  ['default-route', device, 'false'],
  ['domain', device, ...domains],
  // Names that we make up are signed by nobody, and nobody else on the link is to be asked.
  ['dnssec', device, 'no'],
  ['dnsovertls', device, 'no'],
  ['llmnr', device, 'no'],
  ['mdns', device, 'no'],
  ['dns', device, ...servers],
];

interface Outcome {
  ok: boolean;
  said: string;
  /** The first line of its complaint. */
  why: string;
}

function run(command: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin', LC_ALL: 'C' };
    execFile(command, args, { timeout: timeoutMs, env }, (error, stdout, stderr) =>
      resolve({
        ok: error === null,
        said: stdout.trim(),
        why: stderr.trim().split('\n')[0] || (error?.message ?? ''),
      }),
    );
  });
}
