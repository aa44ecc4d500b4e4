/** DELETE /policies/{id}, once no Resource names it. Without a default, Resources that name none ask for nothing. */
import { eq } from 'drizzle-orm';
import { policies } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';
import { show } from './shape.ts';

export const deletePolicy = adminRoute(
  {
    method: 'delete',
    path: '/policies/{id}',
    tag: 'Policies',
    summary: 'Delete a Security Policy that no Resource names',
    needs: 'policies:write',
    params: idPath,
    refuses: ['in_use'],
  },
  async (ask) => {
    const { scope } = ask;
    const row = await scope.byId(policies, ask.params.id);
    if (!row) return absent('policy', ask.params.id);
    const [before] = await show(scope, [row]);
    if (before!.resources > 0) return refuse('in_use', `${before!.resources} Resources name it`);
    return new Change(ask)
      .write(scope.delete(policies, eq(policies.id, row.id)))
      .audit('delete', 'policy', row.id, { before })
      .configuration()
      .commit({ body: undefined });
  },
);
