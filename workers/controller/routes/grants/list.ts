/** GET /grants, oldest first, of one Resource, one Service Account, person or group, or all. */
import { z } from '@hono/zod-openapi';
import { and, eq, or } from 'drizzle-orm';
import { grants, groups, resources, serviceAccounts, users } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import type { Scope } from '../../scope.ts';
import { containing, naming } from '../../search.ts';
import { grantWithNames, showWithNames } from './shape.ts';

export const listGrants = adminRoute(
  {
    method: 'get',
    path: '/grants',
    tag: 'Grants',
    summary: 'List grants',
    needs: 'grants:read',
    query: pageQuery.extend({
      resource_id: z.string().optional(),
      service_account_id: z.string().optional(),
      user_id: z.string().optional(),
      group_id: z.string().optional(),
    }),
    answer: pageOf(grantWithNames),
  },
  async ({ scope, query, now }) => {
    const { resource_id: resource, q } = query;
    const grantee = query.service_account_id ?? query.user_id ?? query.group_id;
    const where = and(
      resource === undefined ? undefined : eq(grants.resourceId, resource as never),
      grantee === undefined ? undefined : eq(grants.granteeId, grantee),
      q ? within(scope, q) : undefined,
    );
    const found = await page(scope, grants, query, where);
    if (!found.ok) return found;
    return answer({ items: await showWithNames(scope, found.rows, now), next_cursor: found.next_cursor });
  },
);

/** In the names of what is granted, and of whom to. */
const within = (scope: Scope, q: string) =>
  or(
    naming(
      scope,
      grants.resourceId,
      resources,
      containing(q, resources.id, resources.name, resources.address, resources.alias)!,
    ),
    naming(
      scope,
      grants.granteeId,
      serviceAccounts,
      containing(q, serviceAccounts.id, serviceAccounts.name)!,
    ),
    naming(scope, grants.granteeId, users, containing(q, users.id, users.userName, users.name)!),
    naming(scope, grants.granteeId, groups, containing(q, groups.id, groups.name)!),
  );
