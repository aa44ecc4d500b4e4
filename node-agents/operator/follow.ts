/**
 * `sallyport events`, and with `--follow` what happens from then on. A Connector tells its events a moment
 * after they happened, so each question reaches back a little and what was shown already is left out.
 */
import { SallyportError } from '#schema/errors.ts';
import type { Call } from './command.ts';
import { growingTable, print } from './print.ts';
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

  const { limit = shownAtFirst, since: from, ...filters } = fields;
  const first =
    from === undefined
      ? ((await api.send('GET', path, { ...filters, limit })) as { items: Item[] }).items
      : await api.all(path, { ...filters, since: from });
  let newest = Math.max(0, ...first.map(timeOf));
  const windowQuery = () => ({
    ...filters,
    ...(newest > 0 && { since: new Date(Math.max(0, newest - reachBackMs)).toISOString() }),
  });
  const show = showIn(call);
  show(first);
  // What the first page left out was not asked for, unless it happened since.
  const before =
    newest > 0 ? (await listed(call, windowQuery())).filter((item) => timeOf(item) < newest) : [];
  const seen = new Map([...before, ...first].map((item) => [item.id, timeOf(item)]));
  while (await host.pause(pollMs)) {
    const fresh = (await listed(call, windowQuery())).filter(({ id }) => !seen.has(id));
    for (const item of fresh) seen.set(item.id, timeOf(item));
    newest = Math.max(newest, ...fresh.map(timeOf));
    for (const [id, at] of seen) if (at < newest - reachBackMs) seen.delete(id);
    show(fresh);
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
function showIn({ json, host, command }: Call): (newestFirst: Item[]) => void {
  if (json) {
    return (items) => {
      for (const item of items.toReversed()) host.write(`${JSON.stringify(item)}\n`);
    };
  }
  const table = growingTable(command.columns!);
  host.write(table.titles());
  return (items) => host.write(table.rows(items.toReversed()));
}

const timeOf = ({ at }: Item): number => Date.parse(String(at));
