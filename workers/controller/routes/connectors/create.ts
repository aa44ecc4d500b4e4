/** POST /connectors: a Connector to be, and the one-time token with which it enrols. */
import { z } from '@hono/zod-openapi';
import { connectors, remoteNetworks } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, mint } from '../../change.ts';
import { absent, name } from '../../fields.ts';
import { mintEnrolment, show, withEnrolment } from './shape.ts';

export const createConnector = adminRoute(
  {
    method: 'post',
    path: '/connectors',
    tag: 'Connectors',
    summary: 'Create a Connector and its one-time enrolment token',
    needs: 'connectors:write',
    body: z.strictObject({ name: name.optional(), remote_network_id: z.string() }),
    answer: withEnrolment,
    status: 201,
    refuses: ['not_found', 'name_taken'],
  },
  async (ask) => {
    const { scope, now, body } = ask;
    const network = await scope.byId(remoteNetworks, body.remote_network_id);
    if (!network) return absent('Remote Network', body.remote_network_id);
    const id = mint(ask, 'connector');
    const row = {
      ...blank,
      id,
      tenantId: scope.tenantId,
      remoteNetworkId: network.id,
      name: body.name ?? `connector-${id.slice(-6)}`,
      createdAt: now,
    };
    const enrolment = await mintEnrolment(ask, id);
    const shown = (await show(ask, [row]))[0]!;
    return new Change(ask)
      .write(scope.insert(connectors, row), enrolment.statement)
      .audit('create', 'connector', id, { after: shown })
      .commit({ body: { ...shown, ...enrolment.shown } });
  },
);

/** What a Connector tells of itself once it has enrolled. */
const blank = {
  hash: null,
  publicJwk: null,
  version: null,
  capability: null,
  hostname: null,
  labels: null,
  relays: null,
  weight: null,
  publicAddress: null,
  enrolledAt: null,
  connectedAt: null,
  disconnectedAt: null,
  silent: null,
  revokedAt: null,
};
