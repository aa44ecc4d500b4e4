/**
 * Direct paths through NATs: every kind of router in front of a Client with every kind in front of a Connector.
 * Which pairs meet is what `node-agents/link/path/README.md` says; all others go on by relay, and no byte is lost
 * on either way. SALLYPORT_DEBUG_MATRIX names a file that the table is written to.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DirectLab, type Place, type Visitor } from '../world/direct-lab.ts';
import { NatLab } from '../world/nat-lab.ts';
import { type RouterKind, routerKinds } from '../world/nat-rules.ts';
import type { ServiceKey } from '../world/world.ts';
import { sumOf } from './origin/bulk.ts';

const reason = NatLab.unavailable;
if (reason) console.warn(`skipped: ${reason}`);

const kinds = Object.keys(routerKinds) as RouterKind[];
/** The same outside for everybody, so that what a relay saw leads there. */
const steady = new Set<RouterKind>(['none', 'firewall', 'full', 'address', 'port', 'resetting']);
/** Lets in who comes from a port that it could not expect: the Client listens there, for the Connector's addresses. */
const receptive = new Set<RouterKind>(['none', 'full', 'address']);
/** Nobody but a relay brings these together: see the README. */
const reachable = (client: RouterKind, connector: RouterKind): boolean =>
  steady.has(client) && (steady.has(connector) || (connector === 'symmetric' && receptive.has(client)));

const bytes = 3_000_000;

describe.skipIf(reason)('a Client behind', () => {
  let direct: DirectLab;
  let key: ServiceKey;
  const places = new Map<RouterKind, Place>();
  const table = new Map<RouterKind, Map<RouterKind, string>>();

  beforeAll(async () => {
    direct = await DirectLab.open();
    for (const kind of kinds) {
      const host = direct.lab.site(`k-${kind}`, kind).host(`kh-${kind}`);
      places.set(kind, await direct.place(kind, host));
    }
    const resources = [...places.values()].map(({ resource }) => resource);
    key = (await direct.world.createService('app', resources)).key;
  }, 240_000);
  afterAll(async () => {
    const text = markdown(table);
    console.log(text);
    const file = process.env['SALLYPORT_DEBUG_MATRIX'];
    if (file) writeFileSync(file, text);
    await direct?.stop();
  }, 60_000);

  test.for(kinds)('%s', { timeout: 120_000 }, async (kind) => {
    const visitor = await direct.visitor(key, direct.lab.site(`c-${kind}`, kind).host(`ch-${kind}`));
    try {
      const outcomes = await Promise.all(
        [...places].map(async ([connector, place]) => [connector, await outcomeOf(visitor, place)] as const),
      );
      const row = new Map(outcomes.map(([connector, { shown }]) => [connector, shown]));
      table.set(kind, row);
      expect(Object.fromEntries(outcomes.map(([connector, { path }]) => [connector, path]))).toEqual(
        Object.fromEntries(
          kinds.map((connector) => [connector, reachable(kind, connector) ? 'direct' : 'relay']),
        ),
      );
    } finally {
      await visitor.agent.stop();
    }
  });

  /** Asks for a path by its first transfer, lets one run meanwhile, and does another when the attempt is over. */
  const outcomeOf = async (visitor: Visitor, place: Place) => {
    const fetchOnce = async (...args: string[]) => {
      const file = `${direct.world.stateDir}/got-${place.name}-${args.length}`;
      const { code, stderr } = await visitor.curl('-p', ...args, '-o', file, `${place.url}/${bytes}`);
      expect({ place: place.name, code, stderr }).toEqual({ place: place.name, code: 0, stderr: '' });
      const { stdout } = await direct.run(['sha256sum', file]);
      expect(stdout.split(' ')[0]).toBe(sumOf(bytes));
    };
    await expect.poll(async () => (await visitor.towards(place)).state, { timeout: 20_000 }).toBe('open');
    await fetchOnce('--limit-rate', '4M');
    const over = await visitor.agent.line(
      ({ event, connector }) =>
        (event === 'direct_path_open' || event === 'direct_path_failed') && connector === hashOf.get(place),
      40_000,
    );
    await fetchOnce();
    const { path } = await visitor.towards(place);
    return { path, shown: over.event === 'direct_path_open' ? `${over['ms']} ms` : '–' };
  };
  const hashOf = {
    get: (place: Place) => place.connector.lines.find(({ event }) => event === 'connector_ready')?.['hash'],
  };
});

function markdown(table: ReadonlyMap<RouterKind, ReadonlyMap<RouterKind, string>>): string {
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['Client \\ Connector', ...kinds]),
    row(kinds.map(() => '---').concat('---')),
    ...[...table].map(([client, cells]) => row([client, ...kinds.map((kind) => cells.get(kind) ?? '?')])),
    '',
  ].join('\n');
}
