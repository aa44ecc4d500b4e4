/**
 * POST /users: somebody who may log in before the identity provider has told of them. Who they are is still
 * for the identity provider to say: the e-mail address that it vouches for has to be this one.
 */
import { z } from '@hono/zod-openapi';
import { users } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, mint } from '../../change.ts';
import type { Row } from '../../scope.ts';
import { beyondRole, show, user, writable } from './shape.ts';

export const createUser = adminRoute(
  {
    method: 'post',
    path: '/users',
    tag: 'People',
    summary: 'Create a person',
    needs: 'users:write',
    body: z.strictObject({
      email: z.email().max(254),
      name: writable.name.default(null),
      role: writable.role.default(null),
    }),
    answer: user,
    status: 201,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { scope, now, body, held } = ask;
    const refusal = beyondRole(held, null, body.role);
    if (refusal) return refusal;
    const row: Row<typeof users> = {
      tenantId: scope.tenantId,
      id: mint(ask, 'user'),
      userName: body.email,
      email: body.email,
      name: body.name,
      externalId: null,
      source: 'admin',
      role: body.role,
      active: true,
      attributes: {},
      version: 1,
      createdAt: now,
      updatedAt: now,
      lastLoginAt: null,
    };
    const [shown] = await show(scope, [row]);
    return new Change(ask)
      .write(scope.insert(users, row))
      .audit('create', 'user', row.id, { after: shown })
      .commit({ body: shown! });
  },
);
