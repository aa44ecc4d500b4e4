/** PATCH /groups/{id}: its name, which no ACL shows. */
import { eq, sql } from 'drizzle-orm';
import { groups } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, someOf } from '../../fields.ts';
import { group, show, synced, writable } from './shape.ts';

export const updateGroup = adminRoute(
  {
    method: 'patch',
    path: '/groups/{id}',
    tag: 'People',
    summary: 'Rename a group',
    needs: 'groups:write',
    params: idPath,
    body: someOf(writable),
    answer: group,
    refuses: ['name_taken', 'managed_elsewhere'],
  },
  async (ask) => {
    const { scope, now, body } = ask;
    const row = await scope.byId(groups, ask.params.id);
    if (!row) return absent('group', ask.params.id);
    const refusal = synced(row);
    if (refusal) return refusal;
    const [before, after] = await show(scope, [row, { ...row, ...body, updatedAt: now }], now);
    const changes = { ...body, updatedAt: now, version: sql`${groups.version} + 1` };
    return new Change(ask)
      .write(scope.update(groups, changes, eq(groups.id, row.id)))
      .audit('update', 'group', row.id, { before, after })
      .commit({ body: after! });
  },
);
