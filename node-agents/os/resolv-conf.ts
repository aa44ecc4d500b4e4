/**
 * Puts our resolver in front in /etc/resolv.conf and takes it out again, in place: in a container the file is
 * mounted from outside and cannot be replaced. What others write into it meanwhile (DHCP) is kept, and ours
 * put in front again. For hosts whose programs ask a resolver on loopback, which no route can catch.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { SallyportError } from '#schema/errors.ts';
import { isOursFirst, nameserversOf, withOurs, withoutOurs } from './resolv-conf-text.ts';

export const resolvConfPath = '/etc/resolv.conf';

export interface ResolvConfOptions {
  /** Address that our resolver listens on, port 53. */
  server: string;
  path?: string;
  /** Somebody has rewritten the file, and ours is in front again; or, once, that it could not be, and why. */
  onRewritten(error?: SallyportError): void;
  /** Milliseconds between two looks, default 1,000. */
  everyMs?: number;
}

export interface ResolvConf {
  /** The resolvers that are there besides ours, as the file says now. */
  nameservers(): readonly string[];
  /** Takes ours out and looks no more. @throws SallyportError tun_unavailable */
  restore(): void;
}

/** @throws SallyportError tun_unavailable when the file cannot be read or written. */
export function installResolvConf({
  server,
  path = resolvConfPath,
  onRewritten,
  everyMs = 1_000,
}: ResolvConfOptions): ResolvConf {
  let others: readonly string[] = [];
  let failed = false;
  const install = (): void => {
    const text = read(path);
    others = nameserversOf(text);
    write(path, text, withOurs(text, server));
  };
  const look = (): void => {
    try {
      const rewritten = !isOursFirst(read(path), server);
      if (rewritten) install();
      if (rewritten || failed) onRewritten();
      failed = false;
    } catch (error) {
      if (!failed) onRewritten(error as SallyportError);
      failed = true;
    }
  };
  install();
  // Read again and again: a watch sees neither all mounts nor what happens before it begins.
  const timer = setInterval(look, everyMs).unref();
  return {
    nameservers: () => others,
    restore() {
      clearInterval(timer);
      restoreResolvConf(path);
    },
  };
}

/** Takes out what a daemon that was killed has left there. @throws SallyportError tun_unavailable */
export function restoreResolvConf(path = resolvConfPath): void {
  const text = read(path);
  write(path, text, withoutOurs(text));
}

/** The resolvers that this host has, ours never among them; none when there is no such file. */
export function hostNameservers(path = resolvConfPath): string[] {
  try {
    return nameserversOf(readFileSync(path, 'utf8'));
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw unusable(path, 'read', cause);
  }
}

/** The length last: nobody sees a file that is empty for a moment. */
function write(path: string, before: string, after: string): void {
  if (before === after) return;
  try {
    const fd = openSync(path, 'r+');
    try {
      const bytes = Buffer.from(after);
      writeSync(fd, bytes, 0, bytes.length, 0);
      ftruncateSync(fd, bytes.length);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw unusable(path, 'written', cause);
  }
}

const unusable = (path: string, what: string, cause: unknown): SallyportError =>
  new SallyportError('tun_unavailable', `${path} cannot be ${what}: ${(cause as Error).message}`, { cause });
