/** PATCH /remote-networks/{id}. No ACL names the place, so no agent hears of it. */
import { eq } from 'drizzle-orm';
import { remoteNetworks } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, someOf } from '../../fields.ts';
import { remoteNetwork, show, writable } from './shape.ts';

export const updateRemoteNetwork = adminRoute(
  {
    method: 'patch',
    path: '/remote-networks/{id}',
    tag: 'Remote Networks',
    summary: 'Change a Remote Network',
    needs: 'networks:write',
    params: idPath,
    body: someOf(writable),
    answer: remoteNetwork,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { scope, body } = ask;
    const { id } = ask.params;
    const row = await scope.byId(remoteNetworks, id);
    if (!row) return absent('Remote Network', id);
    const [before] = await show(scope, [row]);
    const after = { ...before!, ...body };
    return new Change(ask)
      .write(scope.update(remoteNetworks, body, eq(remoteNetworks.id, row.id)))
      .audit('update', 'remoteNetwork', id, { before, after })
      .commit({ body: after });
  },
);
