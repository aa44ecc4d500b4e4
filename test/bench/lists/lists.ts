/**
 * How long the lists of a large Tenant take on local workerd, in milliseconds by the clock of whoever asks: the
 * first page, one from the middle, a search that finds few, and one that finds nothing; then what stands beside
 * lists of events. Everything must stay below `goalMs` at the 95th percentile.
 */
import { parseArgs } from 'node:util';
import { startController } from '#workers/local/start.ts';
import { Admin, type Answer } from '../../world/admin.ts';
import { readable } from '../report/statistics.ts';
import { table } from '../report/table.ts';
import { seed, sizes } from './seed.ts';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});

const goalMs = 200;
const rounds = flags.quick ? 5 : 20;

/** Path, and a text of which it holds few. */
const lists: [path: string, few: string][] = [
  ['/remote-networks', 'network 7'],
  ['/connectors', 'connector 33'],
  ['/resources', 'host-9876.'],
  ['/service-accounts', 'service 987'],
  ['/service-accounts/svc_000001/keys', 'key 3'],
  ['/service-keys/key_000001/instances', 'host-4321'],
  ['/grants', 'host-9876.'],
  ['/events', 'host-9876.'],
  ['/events?kind=denied', 'host-9860.'],
  ['/audit', 'resource 19876'],
  ['/users', 'person4321@'],
  ['/groups', 'group 33'],
  ['/policies', 'policy 33'],
  ['/user-sessions', 'laptop-4321'],
  ['/console-sessions', 'x'],
  ['/identity-providers', 'x'],
  ['/api-tokens', 'x'],
  ['/scim-tokens', 'x'],
];
const others = [
  '/events?resource=res_000042',
  '/events?principal=svc_000042',
  '/events?key=key_000042',
  '/events?instance=ins_000042',
  '/events?connector=con_7',
  '/events?network=net_7',
  '/events?path=direct&kind=denied',
  '/events?code=port_denied',
  '/events?code=never_seen',
  '/events/histogram?since=SINCE',
  '/events/histogram',
  '/events/histogram?since=SINCE&resource=res_000042',
  '/events/histogram?since=SINCE&connector=con_7',
  '/events/tail',
  '/overview',
  '/grants?resource_id=res_000042',
  '/users?group_id=grp_7',
  '/explain?principal=svc_000042&host=host-42.internal&port=443',
];

const controller = await startController({ onLog: () => {} });
const lines: { path: string; what: string; p50: number; p95: number }[] = [];
try {
  const operator = new Admin(controller.url, controller.operatorToken);
  const made = await operator.post('/tenants', { slug: 'large' });
  const admin = new Admin(made.url, made.api_token.token);
  const now = Date.now();
  await seed(controller, made.id, now);
  const since = new Date(now - 31 * 24 * 3_600_000).toISOString();

  for (const [path, few] of lists) {
    const and = path.includes('?') ? '&' : '?';
    const first = await admin.get(path);
    await measure(path, 'first page', () => admin.get(path));
    const deep = await middle(admin, path, first.next_cursor);
    if (deep) await measure(path, 'a later page', () => admin.get(`${path}${and}cursor=${deep}`));
    await measure(path, 'finds few', () => admin.get(`${path}${and}q=${encodeURIComponent(few)}`));
    await measure(path, 'finds nothing', () => admin.get(`${path}${and}q=nowhere-at-all`));
  }
  for (const path of others)
    await measure(path.replace('SINCE', 'a month'), '', () => admin.get(path.replace('SINCE', since)));
} finally {
  await controller.stop();
}

const slow = lines.filter(({ p95 }) => p95 >= goalMs);
const shown = flags.quick ? lines.filter(({ p95 }) => p95 > 20) : lines;
console.log(
  `lists: ${Object.entries(sizes)
    .map(([what, rows]) => `${rows.toLocaleString('en')} ${what}`)
    .join(', ')}; milliseconds, pages of 50\n`,
);
console.log(
  table([
    ['', '', 'p50', 'p95'],
    ...shown.map(({ path, what, p50, p95 }) => [`${path} ${what}`, '', readable(p50), readable(p95)]),
  ]),
);
const worst = Math.max(...lines.map(({ p95 }) => p95));
console.log(`\n${lines.length} questions, the slowest p95 ${readable(worst)} ms; goal: below ${goalMs} ms`);
if (flags.json) console.log(JSON.stringify({ bench: 'lists', sizes, goal_ms: goalMs, lines }));
process.exit(slow.length === 0 ? 0 : 1);

async function measure(path: string, what: string, ask: () => Promise<Answer>): Promise<void> {
  const times: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const start = performance.now();
    await ask();
    if (round >= 0) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.ceil(times.length * share) - 1)]!;
  lines.push({ path, what, p50: at(0.5), p95: at(0.95) });
}

/** A cursor some thousand rows on. */
async function middle(admin: Admin, path: string, cursor: string | null): Promise<string | null> {
  const and = path.includes('?') ? '&' : '?';
  for (let pages = 0; pages < 10 && cursor !== null; pages++) {
    cursor = (await admin.get(`${path}${and}limit=200&cursor=${cursor}`)).next_cursor ?? cursor;
  }
  return cursor;
}
