/**
 * `sallyport events`, and with `--follow` what happens from then on. A Connector tells its events a moment
 * after they happened, so each question reaches back a little and what was shown already is left out.
 */
import { SallyportError } from '#schema/errors.ts';
import type { Call } from './command.ts';
import { print, table } from './print.ts';
import type { Item } from './request.ts';

const pollMs = 1_000;
/** How late an event may be told and still be shown. */
const reachBackMs = 60_000;
const shownAtFirst = 10;

export async function listEvents(call: Call): Promise<void> {
  const { api, path, fields, host, command, json, own } = call;
  if (own.follow !== true) return print(await api.send('GET', path, fields), command.columns, json, host);
  if (fields.until !== undefined || fields.cursor !== undefined)
    throw new SallyportError('config_invalid', '--follow has no end: leave out --until and --cursor.');

  const first = (await api.send('GET', path, { limit: shownAtFirst, ...fields })) as { items: Item[] };
  const seen = new Map(first.items.map((item) => [item.id, timeOf(item)]));
  let newest = Math.max(Date.parse(String(fields.since ?? 0)) || 0, ...seen.values());
  show(first.items, call, true);
  const { limit: _, since: __, ...filters } = fields;
  while (await host.pause(pollMs)) {
    const since = newest - reachBackMs;
    const query = { ...filters, ...(newest > 0 && { since: new Date(Math.max(0, since)).toISOString() }) };
    const fresh = (await listed(call, query)).filter(({ id }) => !seen.has(id));
    for (const item of fresh) seen.set(item.id, timeOf(item));
    newest = Math.max(newest, ...fresh.map(timeOf));
    for (const [id, at] of seen) if (at < newest - reachBackMs) seen.delete(id);
    show(fresh, call, false);
  }
}

/** A Controller that is restarted, or a network that is away for a while, does not end it. */
async function listed({ api, path }: Call, query: Record<string, unknown>): Promise<Item[]> {
  try {
    return await api.all(path, query);
  } catch (error) {
    if (error instanceof SallyportError && !error.permanent) return [];
    throw error;
  }
}

/** Oldest first, as they happened. */
function show(newestFirst: Item[], { json, host, command }: Call, titles: boolean): void {
  const items = newestFirst.toReversed();
  if (json) for (const item of items) host.write(`${JSON.stringify(item)}\n`);
  else if (titles) host.write(table(items, command.columns!));
  else for (const item of items) host.write(table([item], command.columns!).split('\n').slice(1).join('\n'));
}

const timeOf = ({ at }: Item): number => Date.parse(String(at));
