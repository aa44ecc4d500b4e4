/** POST /remote-networks: a new place, empty. */
import { z } from '@hono/zod-openapi';
import { remoteNetworks } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, mint } from '../../change.ts';
import { iso } from '../../fields.ts';
import { remoteNetwork, writable } from './shape.ts';

export const createRemoteNetwork = adminRoute(
  {
    method: 'post',
    path: '/remote-networks',
    tag: 'Remote Networks',
    summary: 'Create a Remote Network',
    needs: 'networks:write',
    body: z.strictObject({ name: writable.name, location: writable.location.default(null) }),
    answer: remoteNetwork,
    status: 201,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const id = mint(ask, 'remoteNetwork');
    const { scope, now, body } = ask;
    const shown = { id, ...body, connectors: 0, resources: 0, created_at: iso(now) };
    return new Change(ask)
      .write(scope.insert(remoteNetworks, { id, ...body, createdAt: now }))
      .audit('create', 'remoteNetwork', id, { after: shown })
      .commit({ body: shown });
  },
);
