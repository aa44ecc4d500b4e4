/**
 * GET /events/tail: what is stored from now on, as it is stored. Whoever watches asks again and again with the
 * place that the answer named; an answer that would be empty waits for a while (a long poll), which costs one
 * row read each second while somebody watches and nothing else: no Durable Object is kept awake, any
 * credential will do, and none is in the URL. Events arrive later than they happened, so their order here is
 * that of their storing.
 */
import { z } from '@hono/zod-openapi';
import { events } from '#schema/db/tables.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { type Ask, adminRoute, answer } from '../../admin-route.ts';
import { filters, matching } from './filters.ts';
import { event, names, namesIn, show } from './shape.ts';

const lookMs = 1_000;
/** Events in one answer; the rest is in the next, at once. */
const most = 200;

export const tailEvents = adminRoute(
  {
    method: 'get',
    path: '/events/tail',
    tag: 'Events',
    summary: 'Follow events of flows',
    description: 'Without `after`: no events, and the place to begin at.',
    needs: 'events:read',
    query: z.object({
      after: z.string().max(512).optional().openapi({ description: '`next` of the answer before.' }),
      wait: z.coerce
        .number()
        .int()
        .min(0)
        .max(25)
        .default(20)
        .openapi({ description: 'Seconds to wait while there is nothing.' }),
      ...filters,
    }),
    answer: z
      .object({
        items: z.array(event).openapi({ description: 'In the order in which they were stored.' }),
        next: z.string(),
        names,
      })
      .openapi('EventTail'),
  },
  async (ask) => {
    const { scope, query } = ask;
    if (query.after === undefined) {
      const next = await seal(ask, await scope.lastStored(events));
      return answer({ items: [], next, names: {} });
    }
    const from = await unseal(ask, query.after);
    if (!from.ok) return from;
    const where = matching(scope, query);
    for (let after = from.place, looks = 0; ; looks++) {
      const last = await scope.lastStored(events);
      const found =
        last > after ? await scope.storedBetween(events, { after, last, limit: most }, where) : [];
      after = found.length === most ? found.at(-1)!.place : Math.max(last, after);
      if (found.length > 0 || looks >= query.wait) {
        const rows = found.map(({ row }) => row);
        return answer({
          items: rows.map(show),
          next: await seal(ask, after),
          names: await namesIn(ask, rows),
        });
      }
      await new Promise((done) => setTimeout(done, lookMs));
    }
  },
);

/** A place counts the rows of all Tenants, so it is nobody's to read. */
const context = (scope: Ask['scope']) => `events/tail ${scope.tenantId}`;

const seal = ({ ports, scope }: Pick<Ask, 'scope' | 'ports'>, place: number): Promise<string> =>
  ports.vault.seal(Uint8Array.from(new TextEncoder().encode(String(place))), context(scope));

async function unseal(
  { ports, scope }: Pick<Ask, 'scope' | 'ports'>,
  sealed: string,
): Promise<Verdict<{ place: number }, 'bad_request'>> {
  try {
    const plain = await ports.vault.open(sealed, context(scope));
    return { ok: true, place: Number(new TextDecoder().decode(plain)) };
  } catch {
    return refuse('bad_request', 'the place is not one that was given out: start without');
  }
}
