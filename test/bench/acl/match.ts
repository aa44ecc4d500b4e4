/**
 * What it costs to find the Resource of a destination (schema/acl/match.ts), in nanoseconds and as a ratio to
 * one look-up of the same host in a Map of as many entries. It must not grow with the number of Resources.
 */
import { parseArgs } from 'node:util';
import { compile } from '#schema/acl/match.ts';
import { readable, summarise } from '../report/statistics.ts';
import { table } from '../report/table.ts';
import { aclOf, destinations, type Kind, kinds } from './resources.ts';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});

const sizes = [10, 1_000, 100_000];
const destinationsEach = 4_096;
const repetitions = flags.quick ? 2 : 8;
const rounds = flags.quick ? 5 : 11;

interface Line {
  kind: Kind;
  resources: number;
  ns: number;
  map_ns: number;
  ratio: number;
}

const lines: Line[] = [];
const built: Record<number, number> = {};
for (const size of sizes) {
  const resources = aclOf(size);
  const start = performance.now();
  const matcher = compile(resources);
  built[size] = performance.now() - start;
  const map = new Map(resources.map((resource) => [resource.address, resource]));
  for (const kind of kinds) {
    const asked = destinations(kind, size, destinationsEach);
    const found = kind !== 'none';
    if (asked.some((destination) => matcher.find(destination).ok !== found)) {
      throw new Error(`the matcher is wrong about a destination of kind ${kind} among ${size} Resources`);
    }
    const [ns, map_ns] = inTurn(
      () => asked.reduce((hits, destination) => hits + Number(matcher.find(destination).ok), 0),
      () => asked.reduce((hits, { host }) => hits + Number(map.get(host) !== undefined), 0),
    );
    const rounded = (value: number) => Number(value.toPrecision(4));
    lines.push({
      kind,
      resources: size,
      ns: rounded(ns),
      map_ns: rounded(map_ns),
      ratio: rounded(ns / map_ns),
    });
  }
}

console.log('acl: one match, as a ratio to a Map look-up of the same host (ratio of medians)\n');
const bySize = (kind: Kind) => lines.filter((line) => line.kind === kind);
console.log(
  table([
    ['destination under a', ...sizes.flatMap((size) => [`${size.toLocaleString('en')} Resources`, 'ratio'])],
    ...kinds.map((kind) => [
      kind,
      ...bySize(kind).flatMap(({ ns, ratio }) => [`${readable(ns)} ns`, `× ${readable(ratio)}`]),
    ]),
    ['(making it ready)', ...sizes.flatMap((size) => [`${readable(built[size]!)} ms`, ''])],
  ]),
);
if (flags.json) console.log(JSON.stringify({ bench: 'acl', matches: lines, compile_ms: built }));

/** Median nanoseconds per destination of each of the two, run alternately. */
function inTurn(...runs: [() => number, () => number]): [number, number] {
  const times: [number[], number[]] = [[], []];
  for (let round = -2; round < rounds; round++) {
    for (const which of [0, 1] as const) {
      const start = performance.now();
      for (let i = 0; i < repetitions; i++) runs[which]();
      const ns = ((performance.now() - start) * 1e6) / (repetitions * destinationsEach);
      if (round >= 0) times[which].push(ns);
    }
  }
  return [summarise(times[0])!.median, summarise(times[1])!.median];
}
