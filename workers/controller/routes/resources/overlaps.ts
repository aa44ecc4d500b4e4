/**
 * GET /resources/overlaps: what an address would meet, before there is a Resource of it. The newest loses among
 * equals, so one that is yet to be made is compared as the youngest.
 */
import { z } from '@hono/zod-openapi';
import type { Id } from '#schema/ids.ts';
import { canonical } from '#schema/resource/canonical.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { overlapsOf } from './neighbours.ts';
import { overlap, writable } from './shape.ts';

export const previewOverlaps = adminRoute(
  {
    method: 'get',
    path: '/resources/overlaps',
    tag: 'Resources',
    summary: 'Tell which Resources an address would overlap',
    needs: 'resources:read',
    query: z.object({
      address: writable.address,
      alias: z.string().max(260).optional(),
      id: z
        .string()
        .max(64)
        .optional()
        .openapi({ description: 'The Resource that is to have the address; none: a new one.' }),
    }),
    answer: z.object({ overlaps: z.array(overlap) }).openapi('Overlaps'),
    refuses: ['address_invalid', 'address_host_bits', 'address_reserved', 'alias_invalid'],
  },
  async ({ scope, query }) => {
    const { address, alias = null, id = 'res_~' } = query;
    const checked = canonical({ address, alias, tcp: 'all', udp: 'all', allowReserved: true });
    if (!checked.ok) return checked;
    const self = { ...checked.fields, id: id as Id<'resource'>, remoteNetworkId: '' as Id<'remoteNetwork'> };
    return answer({ overlaps: await overlapsOf(scope, self) });
  },
);
