/**
 * What the ACL protected when it was last heard of: from a start until its first ACL, which may be long where
 * the Controller cannot be reached, those addresses and names stay closed rather than be taken for anybody's.
 * Kept in the state directory over restarts and reboots; what a killed daemon left in the kernel counts too,
 * where there is no directory. Read by `transparent.ts`, which has routes and answers made of it.
 */
import type { Log } from '#node-agents/process/log.ts';
import { readSecretFile, writeSecretFile } from '#node-agents/process/state-dir.ts';
import type { AclResource, Destination, GrantedResource } from '#schema/acl/document.ts';
import { compile, type Matcher } from '#schema/acl/match.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { parseAddress } from '#schema/resource/address.ts';
import type { Found } from '../acl.ts';

export interface LastKnownOptions {
  path: string;
  /** What another Tenant protected concerns nobody here. */
  tenant: string;
  log: Pick<Log, 'warn'>;
}

export class LastKnown {
  readonly #o: LastKnownOptions;
  /** Addresses and aliases of Resources: names, wildcards, IP addresses, networks. */
  patterns: readonly string[];
  #matcher: Matcher<GrantedResource> | undefined;
  /** What the file says. */
  #written: string;
  #writing: Promise<void> = Promise.resolve();
  #failed = false;

  /** @param left networks that a daemon before this one has left closed. Never rejects. */
  static async read(o: LastKnownOptions, left: readonly string[]): Promise<LastKnown> {
    let written: string[] = [];
    try {
      written = parse(await readSecretFile(o.path), o.tenant);
    } catch (error) {
      o.log.warn('protection_not_remembered', { error });
    }
    return new LastKnown(o, written, left);
  }

  private constructor(o: LastKnownOptions, written: readonly string[], left: readonly string[]) {
    this.#o = o;
    this.#written = written.join('\n');
    this.patterns = [...new Set([...written, ...left])];
  }

  /** As `Acls.find`: a Resource whose ports nobody knows, so that whoever asks for one is told to wait. */
  find(destination: Destination): Verdict<Found, 'not_a_resource'> {
    this.#matcher ??= compile(this.patterns.map(closed));
    const match = this.#matcher.find(destination);
    if (!match.ok) return refuse('not_a_resource');
    return { ok: true, network: '', resource: match.resource, rule: match.rule };
  }

  /** The ACL as it is now. */
  learn(resources: Iterable<Pick<AclResource, 'address' | 'alias'>>): void {
    const found = new Set<string>();
    for (const { address, alias } of resources) {
      found.add(address);
      if (alias !== undefined) found.add(alias);
    }
    const patterns = [...found].sort();
    this.patterns = patterns;
    this.#matcher = undefined;
    if (patterns.join('\n') === this.#written) return;
    this.#written = patterns.join('\n');
    const { path, tenant, log } = this.#o;
    this.#writing = this.#writing
      .then(() => writeSecretFile(path, `${JSON.stringify({ version: 1, tenant, patterns })}\n`))
      .catch((error) => {
        // Once: a container may have no place for it, and each ACL would say so again.
        if (!this.#failed) log.warn('protection_not_written', { error });
        this.#failed = true;
      });
  }

  /** Resolves when all is written. */
  close(): Promise<void> {
    return this.#writing;
  }
}

const closed = (address: string): GrantedResource => ({
  ...{ id: '', address },
  ...{ tcp: 'all', udp: 'all', icmp: true },
});

/** What is no address of a Resource is passed over. */
function parse(text: string | undefined, tenant: string): string[] {
  if (text === undefined) return [];
  const read = JSON.parse(text) as { version?: unknown; tenant?: unknown; patterns?: unknown };
  if (read.version !== 1 || read.tenant !== tenant || !Array.isArray(read.patterns)) return [];
  return read.patterns.filter((pattern) => {
    const parsed = typeof pattern === 'string' && parseAddress(pattern, { allowReserved: true });
    return parsed !== false && parsed.ok && parsed.address === pattern;
  });
}
