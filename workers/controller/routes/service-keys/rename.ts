/** PATCH /service-keys/{id}: an active key may be renamed. Nothing else of it ever changes. */
import { z } from '@hono/zod-openapi';
import { and, eq, isNull } from 'drizzle-orm';
import { serviceKeys } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, name } from '../../fields.ts';
import { notAllowed, serviceKey, show } from './shape.ts';

export const renameServiceKey = adminRoute(
  {
    method: 'patch',
    path: '/service-keys/{id}',
    tag: 'Service Keys',
    summary: 'Rename an active Service Key',
    needs: 'services:write',
    params: idPath,
    body: z.strictObject({ name }),
    answer: serviceKey,
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope, now, body } = ask;
    const row = await scope.byId(serviceKeys, ask.params.id);
    if (!row) return absent('Service Key', ask.params.id);
    const refusal = notAllowed(row, 'rename', now);
    if (refusal) return refusal;
    const [shown] = await show(ask, [{ ...row, ...body }]);
    const stillActive = and(eq(serviceKeys.id, row.id), isNull(serviceKeys.revokedAt))!;
    return new Change(ask)
      .write(scope.update(serviceKeys, body, stillActive))
      .audit('rename', 'serviceKey', row.id, { before: { name: row.name }, after: body })
      .commit({ body: shown! });
  },
);
