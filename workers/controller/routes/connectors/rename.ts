/** PATCH /connectors/{id}: its name is for people alone. */
import { z } from '@hono/zod-openapi';
import { eq } from 'drizzle-orm';
import { connectors } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, name } from '../../fields.ts';
import { connector, show } from './shape.ts';

export const renameConnector = adminRoute(
  {
    method: 'patch',
    path: '/connectors/{id}',
    tag: 'Connectors',
    summary: 'Rename a Connector',
    needs: 'connectors:write',
    params: idPath,
    body: z.strictObject({ name }),
    answer: connector,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { scope, body } = ask;
    const row = await scope.byId(connectors, ask.params.id);
    if (!row) return absent('Connector', ask.params.id);
    const [before] = await show(ask, [row]);
    const after = { ...before!, ...body };
    return new Change(ask)
      .write(scope.update(connectors, body, eq(connectors.id, row.id)))
      .audit('rename', 'connector', row.id, { before: { name: row.name }, after: body })
      .commit({ body: after });
  },
);
