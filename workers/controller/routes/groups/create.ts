/** POST /groups: a local group, empty. */
import { z } from '@hono/zod-openapi';
import { groups } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, mint } from '../../change.ts';
import type { Row } from '../../scope.ts';
import { group, show, writable } from './shape.ts';

export const createGroup = adminRoute(
  {
    method: 'post',
    path: '/groups',
    tag: 'People',
    summary: 'Create a group',
    needs: 'groups:write',
    body: z.strictObject(writable),
    answer: group,
    status: 201,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { scope, now, body } = ask;
    const row: Row<typeof groups> = {
      tenantId: scope.tenantId,
      id: mint(ask, 'group'),
      name: body.name,
      externalId: null,
      source: 'admin',
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
    const [shown] = await show(scope, [row], now);
    return new Change(ask)
      .write(scope.insert(groups, row))
      .audit('create', 'group', row.id, { after: shown })
      .commit({ body: shown! });
  },
);
