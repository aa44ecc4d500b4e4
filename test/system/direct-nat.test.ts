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
/** @returns what the table shows. */
type Outcome = (direct: DirectLab, visitor: Visitor, place: Place) => Promise<string>;
/** Nobody but a relay brings the others together: see the README. */
const outcomeOf = (client: RouterKind, connector: RouterKind): Outcome => {
  // Both SYNs must be between the two routers at once, and in a lab there is no distance.
  if (client === 'resetting' && connector === 'resetting') return meetsOrNot;
  const reachable =
    steady.has(client) && (steady.has(connector) || (connector === 'symmetric' && receptive.has(client)));
  return reachable ? meets : staysApart;
};

const bytes = 3_000_000;

describe.skipIf(reason)('a Client behind a NAT of', () => {
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

  test('every kind, and a Connector behind every kind', { timeout: 300_000 }, async () => {
    const rows: Promise<void>[] = [];
    for (const kind of kinds) {
      const visitor = await direct.visitor(key, direct.lab.site(`c-${kind}`, kind).host(`ch-${kind}`));
      // The next Client starts when those who meet have met: those who do not take their time.
      await new Promise<void>((met) => {
        rows.push(row(visitor, kind, met).finally(() => void visitor.agent.stop()));
        rows.at(-1)!.then(met, met);
      });
    }
    await Promise.all(rows);
  });

  const row = async (visitor: Visitor, kind: RouterKind, onMet: () => void): Promise<void> => {
    const pairs = [...places].map(([connector, place]) => {
      const outcome = outcomeOf(kind, connector);
      return { outcome, shown: outcome(direct, visitor, place).then((text) => [connector, text] as const) };
    });
    const all = Promise.all(pairs.map(({ shown }) => shown));
    await Promise.race([
      all,
      Promise.all(pairs.flatMap(({ outcome, shown }) => (outcome === meets ? shown : []))),
    ]);
    onMet();
    table.set(kind, new Map(await all));
  };
});

describe.skipIf(reason)('both behind one router, in two LANs without a way between them', () => {
  let direct: DirectLab;
  beforeAll(async () => {
    direct = await DirectLab.open();
  }, 120_000);
  afterAll(() => direct?.stop(), 60_000);

  test.for([
    ['full', 'one that hairpins: they meet at its outside', meets],
    ['port', 'one that does not: by relay', staysApart],
  ] as const)('%s: %s', { timeout: 120_000 }, async ([kind, , outcome]) => {
    const site = direct.lab.site(`one-${kind}`, kind);
    const place = await direct.place(kind, site.host(`pk-${kind}`, 1));
    const { key } = await direct.world.createService(`app-${kind}`, [place.resource]);
    const visitor = await direct.visitor(key, site.host(`pc-${kind}`, 2));
    await outcome(direct, visitor, place);
    await visitor.agent.stop();
  });
});

/** A transfer asks for a direct path and goes on while it comes about; the next one takes it. @returns how long that took. */
async function meets(direct: DirectLab, visitor: Visitor, place: Place): Promise<string> {
  await begin(direct, visitor, place);
  await expect
    .poll(async () => towards(visitor, place), { timeout: 90_000, interval: 200 })
    .toMatchObject({ ...pairOf(visitor, place), path: 'direct', state: 'up', last_failure: null });
  await transfer(direct, visitor, place);
  return `${outcomes(visitor, place, 'open')[0]?.['ms']} ms`;
}

/** The attempt comes to nothing, and to the transfers it makes no difference. */
async function staysApart(direct: DirectLab, visitor: Visitor, place: Place): Promise<string> {
  await begin(direct, visitor, place);
  await expect.poll(() => outcomes(visitor, place, 'failed').length, { timeout: 60_000 }).toBeGreaterThan(0);
  expect(await towards(visitor, place)).toMatchObject({ ...pairOf(visitor, place), path: 'relay' });
  await transfer(direct, visitor, place);
  expect(outcomes(visitor, place, 'open')).toEqual([]);
  return '–';
}

async function meetsOrNot(direct: DirectLab, visitor: Visitor, place: Place): Promise<string> {
  await begin(direct, visitor, place);
  await expect
    .poll(() => [...outcomes(visitor, place, 'open'), ...outcomes(visitor, place, 'failed')].length, {
      timeout: 60_000,
    })
    .toBeGreaterThan(0);
  await transfer(direct, visitor, place);
  const [open] = outcomes(visitor, place, 'open');
  return open ? `(${open['ms']} ms)` : '(–)';
}

async function begin(direct: DirectLab, visitor: Visitor, place: Place): Promise<void> {
  await expect.poll(async () => (await visitor.towards(place)).state, { timeout: 20_000 }).toBe('open');
  await transfer(direct, visitor, place, '--limit-rate', '4M');
}

/** For messages. */
const pairOf = ({ host }: Visitor, { name }: Place) => ({ client: host.namespace, connector: name });

async function towards(visitor: Visitor, place: Place) {
  const { path, direct } = await visitor.towards(place);
  return { ...pairOf(visitor, place), path, ...direct };
}

async function transfer(direct: DirectLab, visitor: Visitor, place: Place, ...args: string[]): Promise<void> {
  // Of this pair alone: rows of the matrix overlap.
  const file = `${direct.world.stateDir}/got-${visitor.host.namespace}-${place.name}`;
  const { code, stderr } = await visitor.curl('-p', ...args, '-o', file, `${place.url}/${bytes}`);
  expect({ place: place.name, code, stderr }).toEqual({ place: place.name, code: 0, stderr: '' });
  const { stdout } = await direct.run(['sha256sum', file]);
  expect(stdout.split(' ')[0]).toBe(sumOf(bytes));
}

function outcomes({ agent }: Visitor, place: Place, how: 'open' | 'failed') {
  const ready = place.connector.lines.find(({ event }) => event === 'connector_ready');
  return agent.lines.filter(
    ({ event, connector }) => event === `direct_path_${how}` && connector === ready?.['hash'],
  );
}

function markdown(table: ReadonlyMap<RouterKind, ReadonlyMap<RouterKind, string>>): string {
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['Client \\ Connector', ...kinds]),
    row(kinds.map(() => '---').concat('---')),
    ...kinds.map((client) => row([client, ...kinds.map((kind) => table.get(client)?.get(kind) ?? '?')])),
    '',
  ].join('\n');
}
