/**
 * `sallyport events --follow` against a list that grows: each event once, in the order in which they
 * happened, also one that is told late, and through an outage.
 */
import { expect, test } from 'vitest';
import type { Call } from '#node-agents/operator/command.ts';
import { commands } from '#node-agents/operator/commands/index.ts';
import { listEvents } from '#node-agents/operator/follow.ts';
import type { Item } from '#node-agents/operator/request.ts';
import { SallyportError } from '#schema/errors.ts';

const start = Date.parse('2026-11-21T10:00:00Z');
const event = (second: number): Item => ({
  id: `evt_${second}`,
  at: new Date(start + second * 1000).toISOString(),
});
const seconds = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => event(from + i));

/** Each round is what the Controller has then, or why it does not answer. */
async function followed(rounds: (Item[] | SallyportError)[], fields = {}, json = true): Promise<string[]> {
  let round = 0;
  const written: string[] = [];
  const list = (query: Record<string, unknown>): Item[] => {
    const now = rounds[round]!;
    if (now instanceof SallyportError) throw now;
    const since = query.since === undefined ? 0 : Date.parse(String(query.since));
    return now
      .filter(({ at }) => Date.parse(String(at)) >= since)
      .toSorted((a, b) => String(b.at).localeCompare(String(a.at)));
  };
  const call = {
    api: {
      send: async (_: string, __: string, query: Record<string, unknown>) => ({
        items: list(query).slice(0, Number(query.limit)),
      }),
      all: async (_: string, query: Record<string, unknown>) => list(query),
    },
    host: {
      write: (text: string) => void written.push(text),
      pause: async () => ++round < rounds.length,
    },
    command: commands.find(({ name }) => name === 'events list'),
    path: '/events',
    fields,
    own: { follow: true },
    json,
  };
  await listEvents(call as unknown as Call);
  return json ? written.map((line) => JSON.parse(line).id) : written;
}

test('shows the newest ten, then what comes, each once', async () => {
  expect(await followed([seconds(1, 30), seconds(1, 30), seconds(1, 32)])).toEqual(
    [...seconds(21, 30), ...seconds(31, 32)].map(({ id }) => id),
  );
});

test('shows an event that is told late', async () => {
  expect(
    await followed([
      [event(1), event(5)],
      [event(1), event(3), event(5), event(6)],
    ]),
  ).toEqual(['evt_1', 'evt_5', 'evt_3', 'evt_6']);
});

test('begins where it is asked to', async () => {
  const since = String(event(5).at);
  expect(await followed([seconds(1, 30), seconds(1, 31)], { since })).toEqual(
    seconds(5, 31).map(({ id }) => id),
  );
});

test('begins with nothing', async () => {
  expect(await followed([[], [], [event(1)]])).toEqual(['evt_1']);
});

test('goes on after an outage, and ends where it is no longer let in', async () => {
  const away = new SallyportError('controller_unreachable');
  expect(await followed([[event(1)], away, seconds(1, 2)])).toEqual(['evt_1', 'evt_2']);
  await expect(followed([[event(1)], new SallyportError('unauthenticated')])).rejects.toThrow();
});

test('is a table with one line of titles for people', async () => {
  const [titles, ...rows] = await followed([[event(1)], [event(1), event(2)]], {}, false);
  expect(titles).toMatch(/^AT +KIND/);
  expect(rows.join('').trimEnd().split('\n')).toHaveLength(2);
});
