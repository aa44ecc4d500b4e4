/**
 * Finds out where this host may be met: the addresses of its interfaces, and what relays see. Before `punch.ts`,
 * by both sides. Nobody waits long for a relay: a candidate that comes late is left out.
 */
import { networkInterfaces } from 'node:os';
import type { RelayEntry } from '#schema/control/messages.ts';
import { type Candidate, candidate, familyOf, type Mapping, mappingOf } from '#schema/path/candidates.ts';
import { type Observation, observe } from './observe.ts';
import type { PathPort } from './port.ts';

export interface Gathered {
  /** The peer is told these. */
  candidates: Candidate[];
  mapping: Mapping;
  /** Lets go of what keeps NATs from forgetting. */
  close(): void;
}

/** Of each family: addresses of interfaces, and relays that are asked. */
const mostOwn = 3;
const mostRelays = 2;
/** Since a relay has told, which one that cannot be reached does not count as; or since the start. */
const othersMs = 300;
const patienceMs = 2_500;

export async function gather(
  ports: readonly PathPort[],
  relays: readonly RelayEntry[],
  signal: AbortSignal,
): Promise<Gathered> {
  const late = new AbortController();
  const ended = AbortSignal.any([signal, late.signal]);
  const own = ports.flatMap(ownCandidates);
  const asked = ports.flatMap((port) =>
    relays.slice(0, mostRelays).map((relay) => observe(port, relay, ended)),
  );
  const observations = await inTime(asked);
  late.abort();
  const seen = observations.flatMap(({ candidate: one }) => one ?? []);
  const mappings = ports.map(({ family }) => mappingOf(own.filter(of(family)), seen.filter(of(family))));
  return {
    candidates: [...own, ...distinct(seen, own)].filter((one) => candidate.safeParse(one).success),
    mapping: mappings.find((mapping) => mapping !== 'unknown') ?? 'unknown',
    close() {
      for (const { close } of observations) close();
    },
  };
}

function ownCandidates({ family, port }: PathPort): Candidate[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all
    .filter(({ internal, address }) => !internal && familyOf(address) === family)
    .slice(0, mostOwn)
    .map(({ address }) => ({ kind: 'host', address, port }));
}

/** What there is once all are done, or a little after one has told something, or when patience ends. */
async function inTime(all: readonly Promise<Observation>[]): Promise<Observation[]> {
  const results: Observation[] = [];
  if (all.length === 0) return results;
  await new Promise<void>((done) => {
    let timer = setTimeout(done, patienceMs);
    for (const one of all) {
      void one.then((result) => {
        results.push(result);
        const last = results.length === all.length;
        if (!last && result.candidate === undefined) return;
        clearTimeout(timer);
        if (last) done();
        else timer = setTimeout(done, othersMs);
      });
    }
  });
  return [...results];
}

/** One that a relay sees as it is has no NAT in front: it is a candidate already. */
function distinct(seen: readonly Candidate[], own: readonly Candidate[]): Candidate[] {
  const known = new Set(own.map(({ address, port }) => `${address} ${port}`));
  return seen.filter(({ address, port }) => {
    const place = `${address} ${port}`;
    if (familyOf(address) === undefined || known.has(place)) return false;
    known.add(place);
    return true;
  });
}

const of =
  (family: 4 | 6) =>
  ({ address }: Candidate): boolean =>
    familyOf(address) === family;
