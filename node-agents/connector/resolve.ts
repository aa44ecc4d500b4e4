/**
 * From the host of an admitted flow to the addresses that may be connected to. Names are looked up here, in
 * the Remote Network: by the system's resolver, or by the servers of SALLYPORT_DNS. Whoever controls a zone
 * must not be able to point a Resource's name at the Connector's own host, its link or its cloud's metadata
 * service (DNS rebinding): such addresses are dropped unless the Resource says that it is really there.
 * Before it comes `admit.ts`, after it `connect.ts`.
 */
import { promises as system } from 'node:dns';
import { networkInterfaces } from 'node:os';
import type { AclResource } from '#schema/acl/document.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { type Ip, parseIp, sameIp } from '#schema/name/ip.ts';
import { isWildcard } from '#schema/name/pattern-tree.ts';
import { reservedKind } from '#schema/name/reserved.ts';
import { limits } from './limits.ts';
import { LookUps, type Places } from './look-ups.ts';

export interface Resolver {
  /** Addresses of a name in the order in which they are to be tried, at most `limits.addresses`. */
  lookup(
    name: string,
    principal: string,
  ): Promise<Verdict<{ addresses: Ip[] }, 'name_not_found' | 'name_failed'>>;
}

export type ResolveVerdict = Verdict<
  { addresses: Ip[] },
  'name_not_found' | 'name_failed' | 'address_forbidden'
>;

/**
 * @param match the Resource in the Connector ACL's words, and the pattern that decided.
 * @param host canonical.
 * @param own addresses of this host.
 */
export async function resolve(
  { resource, rule }: { resource: AclResource; rule: string },
  host: string,
  resolver: { lookup(name: string): ReturnType<Resolver['lookup']> },
  own: readonly Ip[] = ownAddresses(),
): Promise<ResolveVerdict> {
  const target = targetOf(resource, rule, host);
  const literal = parseIp(target);
  const found = literal ? { ok: true as const, addresses: [literal] } : await resolver.lookup(target);
  if (!found.ok) return found;
  const addresses = found.addresses.filter((ip) => mayConnect(ip, resource, own));
  if (addresses.length > 0) return { ok: true, addresses };
  return refuse('address_forbidden', reservedKind(found.addresses[0]!) ?? 'the Connector itself');
}

/**
 * Whether this Resource may lead to this address. `reserved` opens what belongs to the host and its link;
 * anything more special must be the Resource's own literal address; synthetic addresses are nowhere.
 */
export function mayConnect(ip: Ip, resource: AclResource, own: readonly Ip[]): boolean {
  const kind = reservedKind(ip);
  const literal = parseIp(resource.address);
  const named = literal !== undefined && sameIp(literal, ip);
  if (kind === undefined) return named || resource.reserved === true || !own.some((one) => sameIp(one, ip));
  if (kind === 'synthetic' || resource.reserved !== true) return false;
  return named || kind === 'loopback' || kind === 'link_local';
}

/** What is looked up or connected to for a host: an alias stands for the Resource's address. */
export const targetOf = (resource: AclResource, rule: string, host: string): string =>
  rule === resource.alias && !isWildcard(resource.address) && !resource.address.includes('/')
    ? resource.address
    : host;

/** @param servers `ADDR:PORT`; none = the system's resolver. @param ask in place of either. */
export function createResolver(
  servers: readonly string[],
  ask: (name: string) => Promise<Answer> = servers.length === 0 ? askSystem : askServers(servers),
  places: Places = servers.length === 0 ? limits.systemLookUps : limits.lookUps,
): Resolver {
  const lookUps = new LookUps(places);
  // Until the answer is there, which may be long after nobody waits for it any more.
  const underWay = new Map<string, Promise<Answer>>();
  return {
    lookup(name, principal) {
      // Many flows to one name at once are one question.
      let answer = underWay.get(name);
      if (!answer) {
        const asked = lookUps.run(principal, () => ask(name), limits.resolveMs);
        if (!asked) return Promise.resolve(refuse('name_failed', 'limit_reached'));
        answer = asked
          .then((value) => (value === 'late' ? refuse('name_failed', 'limit_reached') : value))
          .finally(() => underWay.delete(name));
        underWay.set(name, answer);
      }
      return bounded(answer);
    },
  };
}

type Answer = Awaited<ReturnType<Resolver['lookup']>>;

async function askSystem(name: string): Promise<Answer> {
  try {
    return order((await system.lookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address));
  } catch (error) {
    return failure(error);
  }
}

function askServers(servers: readonly string[]): (name: string) => Promise<Answer> {
  const resolver = new system.Resolver({ timeout: 1_500, tries: 2 });
  resolver.setServers(servers);
  return async (name) => {
    const answers = await Promise.allSettled([resolver.resolve6(name), resolver.resolve4(name)]);
    const [v6 = [], v4 = []] = answers.map((one) => (one.status === 'fulfilled' ? one.value : []));
    const found = order(interleave(v6, v4));
    if (found.ok) return found;
    const failures = answers.flatMap((one) => (one.status === 'rejected' ? [failure(one.reason)] : []));
    return failures.find(({ ok, code }) => !ok && code === 'name_failed') ?? failures[0] ?? found;
  };
}

function order(texts: string[]): Answer {
  const addresses = texts.flatMap((text) => parseIp(text.replace(/%.*$/, '')) ?? []);
  if (addresses.length === 0) return refuse('name_not_found');
  return { ok: true, addresses: addresses.slice(0, limits.addresses) };
}

const interleave = (a: string[], b: string[]): string[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => [a[i], b[i]])
    .flat()
    .filter((text) => text !== undefined);

const nothing = new Set(['ENOTFOUND', 'ENODATA', 'ENONAME', 'EAI_NONAME', 'EAI_NODATA', 'EBADNAME']);

const failure = (error: unknown) =>
  nothing.has((error as NodeJS.ErrnoException).code ?? '')
    ? refuse('name_not_found')
    : refuse('name_failed', (error as NodeJS.ErrnoException).code);

function bounded(answer: Promise<Answer>): Promise<Answer> {
  return new Promise((done) => {
    const timer = setTimeout(() => done(refuse('name_failed', 'ETIMEOUT')), limits.resolveMs);
    void answer.then((value) => {
      clearTimeout(timer);
      done(value);
    });
  });
}

/** Asking the system costs more than the rest of a verdict; addresses rarely change. */
const ownAddressesMs = 5_000;
let known: readonly Ip[] | undefined;

/** Of all interfaces of this host. */
export function ownAddresses(): readonly Ip[] {
  if (!known) {
    const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    known = all.flatMap(({ address }) => parseIp(address.replace(/%.*$/, '')) ?? []);
    setTimeout(() => {
      known = undefined;
    }, ownAddressesMs).unref();
  }
  return known;
}
