/** DELETE /remote-networks/{id}, once nothing is in it any more. */
import { eq } from 'drizzle-orm';
import { remoteNetworks } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';
import { show } from './shape.ts';

export const deleteRemoteNetwork = adminRoute(
  {
    method: 'delete',
    path: '/remote-networks/{id}',
    tag: 'Remote Networks',
    summary: 'Delete an empty Remote Network',
    needs: 'networks:write',
    params: idPath,
    refuses: ['in_use'],
  },
  async (ask) => {
    const { scope } = ask;
    const { id } = ask.params;
    const row = await scope.byId(remoteNetworks, id);
    if (!row) return absent('Remote Network', id);
    const before = (await show(scope, [row]))[0]!;
    if (before.connectors + before.resources > 0) {
      return refuse('in_use', `${before.connectors} Connectors and ${before.resources} Resources are in it`);
    }
    return new Change(ask)
      .write(scope.delete(remoteNetworks, eq(remoteNetworks.id, row.id)))
      .audit('delete', 'remoteNetwork', id, { before })
      .commit({ body: undefined });
  },
);
