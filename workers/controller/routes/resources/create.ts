/** POST /resources: an address in a Remote Network. Nobody may reach it until it is granted. */
import { z } from '@hono/zod-openapi';
import { policies, remoteNetworks, resources } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import { canonical } from '#schema/resource/canonical.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, mint } from '../../change.ts';
import { absent } from '../../fields.ts';
import { overlapsOf, taken } from './neighbours.ts';
import { refusals, show, withOverlaps, writable } from './shape.ts';

export const createResource = adminRoute(
  {
    method: 'post',
    path: '/resources',
    tag: 'Resources',
    summary: 'Create a Resource',
    needs: 'resources:write',
    body: z.strictObject({
      ...writable,
      alias: writable.alias.default(null),
      tcp: writable.tcp.default('all'),
      udp: writable.udp.default('all'),
      icmp: writable.icmp.default(true),
      tags: writable.tags.default({}),
      allow_reserved: writable.allow_reserved.default(false),
      policy_id: writable.policy_id.default(null),
    }),
    answer: withOverlaps,
    status: 201,
    refuses: ['not_found', ...refusals],
  },
  async (ask) => {
    const { scope, now, body } = ask;
    const {
      allow_reserved: allowReserved,
      remote_network_id: network,
      policy_id: policyId,
      ...fields
    } = body;
    if (!(await scope.byId(remoteNetworks, network))) return absent('Remote Network', network);
    if (policyId !== null && !(await scope.byId(policies, policyId))) return absent('policy', policyId);
    const checked = canonical({ ...fields, allowReserved });
    if (!checked.ok) return checked;
    const row = {
      ...fields,
      ...checked.fields,
      id: mint(ask, 'resource'),
      tenantId: scope.tenantId,
      remoteNetworkId: network as `net_${string}`,
      policyId: policyId as Id<'policy'> | null,
      createdAt: now,
      updatedAt: now,
    };
    const refusal = await taken(scope, row);
    if (refusal) return refusal;
    const shown = show(row);
    return new Change(ask)
      .write(scope.insert(resources, row))
      .audit('create', 'resource', row.id, { after: shown })
      .configuration()
      .commit({ body: { ...shown, overlaps: await overlapsOf(scope, row) } });
  },
);
