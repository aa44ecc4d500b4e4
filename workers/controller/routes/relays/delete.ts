/** DELETE /relays/{id}, by the deployment's operator: agents leave it, and its credential is dead. */
import { relays } from '#schema/db/tables.ts';
import { answer, operatorRoute } from '../../admin-route.ts';
import { deploymentOf } from '../../deployment.ts';
import { absent, idPath } from '../../fields.ts';

export const deleteRelay = operatorRoute(
  {
    method: 'delete',
    path: '/relays/{id}',
    tag: 'Deployment',
    summary: 'Delete a relay',
    params: idPath,
  },
  async ({ ports, params, requestId }) => {
    const deployment = deploymentOf(ports.database);
    const row = await deployment.find(relays, params.id);
    if (!row) return absent('relay', params.id);
    await deployment.deleteRelay(row.id);
    ports.log('info', 'relay_deleted', { request_id: requestId, relay: row.id, name: row.name });
    await ports.channels.relaysChanged();
    return answer(undefined);
  },
);
