/**
 * Keeps our device known to systemd-resolved for as long as the daemon runs: tells it (`resolved.ts`), and tells
 * it again when it has forgotten, after a restart without its state or because somebody reverted the link.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { SallyportError } from '#schema/errors.ts';
import { configureResolved, knownToResolved, resolvedFolder, revertResolved } from './resolved.ts';

export interface ResolvedLinkOptions {
  device: string;
  /** Addresses that our resolver listens on, port 53. */
  servers: readonly string[];
  /** It had forgotten and was told again; or, once, that it could not be, and why. */
  onForgotten(error?: SallyportError): void;
  /** Milliseconds between two looks, default 1,000. */
  everyMs?: number;
  command?: string;
  folder?: string;
}

export interface ResolvedLink {
  /** The domains as `routingDomains` makes them. @throws SallyportError tun_unavailable; it is tried again. */
  follow(domains: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

export function keepResolvedLink({
  device,
  servers,
  onForgotten,
  everyMs = 1_000,
  command,
  folder = resolvedFolder,
}: ResolvedLinkOptions): ResolvedLink {
  let domains: readonly string[] | undefined;
  /** What its folder looked like when it was last known to be right. */
  let seen = '';
  let failed = false;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
  const tell = async (): Promise<void> => {
    await configureResolved({ device, servers, domains: domains! }, command);
    seen = lookOf(folder);
  };
  const look = async (): Promise<void> => {
    const now = lookOf(folder);
    if (domains === undefined || now === seen) return;
    try {
      if (!failed && (await knownToResolved({ device, servers, domains }, command))) {
        seen = now;
        return;
      }
      await tell();
      onForgotten();
      failed = false;
    } catch (error) {
      if (!failed) onForgotten(error as SallyportError);
      failed = true;
    }
  };
  // It says nothing when it starts; that it writes there is seen for one call of stat(2).
  const timer = setInterval(() => void inTurn(look), everyMs).unref();
  return {
    follow: (wanted) =>
      inTurn(async () => {
        if (wanted.join(' ') === domains?.join(' ')) return;
        domains = wanted;
        seen = '';
        await tell();
      }),
    remove() {
      clearInterval(timer);
      domains = undefined;
      return inTurn(() => revertResolved(device, command));
    },
  };
}

/** Changes when it starts, and when it remembers or forgets something of a link. */
function lookOf(folder: string): string {
  return [folder, join(folder, 'netif')]
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return `${found?.ino}:${found?.mtimeMs}`;
    })
    .join(' ');
}
