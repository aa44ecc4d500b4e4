/**
 * GET /overview: the Tenant at a glance, in one answer that a page may ask for every few seconds. What the
 * caller may not read by itself is null here too. Lists are bounded; the totals beside them are whole.
 */
import { z } from '@hono/zod-openapi';
import { covers } from '#schema/people/scopes.ts';
import { type Ask, adminRoute, answer } from '../../admin-route.ts';
import { instant, iso } from '../../fields.ts';
import { clientsNow, liveClients } from './clients.ts';
import { expiringKeys, keysExpiring } from './keys.ts';
import { networks, networksNow } from './networks.ts';
import { traffic, trafficNow } from './traffic.ts';

export const getOverview = adminRoute(
  {
    method: 'get',
    path: '/overview',
    tag: 'Overview',
    summary: 'Show the Tenant at a glance',
    description: 'Of the last hour where a span of time matters. A part that you may not read is null.',
    answer: z
      .object({
        at: instant,
        networks: networks.nullable().openapi({ description: 'Needs networks:read and connectors:read.' }),
        clients: liveClients.nullable().openapi({ description: 'Needs services:read.' }),
        traffic: traffic.nullable().openapi({ description: 'Needs events:read.' }),
        expiring_keys: expiringKeys.nullable().openapi({ description: 'Needs services:read.' }),
      })
      .openapi('Overview'),
  },
  async (ask) => {
    const part = <T>(scopes: string[], make: (ask: Ask) => Promise<T>): Promise<T> | null =>
      scopes.every((scope) => covers(ask.held, scope)) ? make(ask) : null;
    const [places, clients, flows, keys] = await Promise.all([
      part(['networks:read', 'connectors:read'], networksNow),
      part(['services:read'], clientsNow),
      part(['events:read'], trafficNow),
      part(['services:read'], keysExpiring),
    ]);
    return answer({ at: iso(ask.now), networks: places, clients, traffic: flows, expiring_keys: keys });
  },
);
