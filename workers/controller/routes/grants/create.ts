/**
 * POST /grants. There is one grant for each pair: granting again answers the same one, with the expiry that
 * is asked for now; an earlier end than before counts at once.
 */
import { z } from '@hono/zod-openapi';
import { and, eq, isNotNull, isNull, lt } from 'drizzle-orm';
import { neededCapability } from '#schema/control/features.ts';
import { connectors, grants, groups, resources, serviceAccounts, users } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import type { Id } from '#schema/ids.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, type ChangeOrigin, mint } from '../../change.ts';
import { absent, instant } from '../../fields.ts';
import type { Row, Scope } from '../../scope.ts';
import { grant, principalsOf, show } from './shape.ts';

export const createGrant = adminRoute(
  {
    method: 'post',
    path: '/grants',
    tag: 'Grants',
    summary: 'Grant a Resource to a Service Account, a person or a group',
    description: '201 for a new grant, 200 where the pair had one already.',
    needs: 'grants:write',
    body: z
      .strictObject({
        resource_id: z.string(),
        service_account_id: z.string().optional(),
        user_id: z.string().optional(),
        group_id: z.string().optional(),
        expires_at: instant.nullable().default(null),
      })
      .refine((body) => [body.service_account_id, body.user_id, body.group_id].filter(Boolean).length === 1, {
        message: 'names one of service_account_id, user_id and group_id',
      }),
    answer: grant,
    status: 201,
    mayExist: true,
    refuses: ['not_found', 'connector_outdated'],
  },
  async (ask) => {
    const { scope, now, body } = ask;
    const resource = await scope.byId(resources, body.resource_id);
    if (!resource) return absent('Resource', body.resource_id);
    const grantee = await granteeOf(scope, body);
    if (!grantee.ok) return grantee;
    const expiresAt = body.expires_at === null ? null : Date.parse(body.expires_at);
    if (expiresAt !== null && expiresAt <= now)
      return refuse('validation_failed', 'expires_at lies in the past');
    const outdated = await outdatedConnectors(scope, resource.remoteNetworkId);
    if (outdated) return refuse('connector_outdated', outdated);

    const pair = { resourceId: resource.id, granteeKind: grantee.kind, granteeId: grantee.id };
    const settled = await settle(ask, pair, expiresAt);
    // Somebody else granted the same meanwhile: now there is one.
    return !settled.ok && settled.code === 'in_use' ? settle(ask, pair, expiresAt) : settled;
  },
);

type Pair = Pick<Row<typeof grants>, 'resourceId' | 'granteeKind' | 'granteeId'>;

async function granteeOf(
  scope: Scope,
  body: {
    service_account_id?: string | undefined;
    user_id?: string | undefined;
    group_id?: string | undefined;
  },
) {
  const named = [
    ['service_account', 'Service Account', serviceAccounts, body.service_account_id],
    ['user', 'user', users, body.user_id],
    ['group', 'group', groups, body.group_id],
  ] as const;
  const [kind, what, table, id] = named.find(([, , , id]) => id !== undefined)!;
  const row = await scope.byId(table, id!);
  return row ? { ok: true as const, kind, id: row.id } : absent(what, id!);
}

/** Makes the pair's one grant end then, whether there is one already or not. */
async function settle(ask: ChangeOrigin, pair: Pair, expiresAt: number | null) {
  const { scope, now } = ask;
  const ofPair = and(eq(grants.resourceId, pair.resourceId), eq(grants.granteeId, pair.granteeId))!;
  const held = await scope.find(grants, ofPair);
  if (held?.expiresAt === expiresAt) return new Change(ask).commit({ body: show(held, now), status: 200 });
  if (!held) {
    const made: Row<typeof grants> = {
      id: mint(ask, 'grant'),
      tenantId: scope.tenantId,
      ...pair,
      expiresAt,
      createdAt: now,
    };
    return new Change(ask)
      .write(scope.insert(grants, made))
      .audit('create', 'grant', made.id, { after: show(made, now) })
      .configuration()
      .commit({ body: show(made, now), status: 201 });
  }
  const row = { ...held, expiresAt };
  const change = new Change(ask)
    .write(scope.update(grants, { expiresAt }, eq(grants.id, held.id)))
    .audit('update', 'grant', held.id, { before: show(held, now), after: show(row, now) })
    .configuration();
  if ((expiresAt ?? Infinity) < (held.expiresAt ?? Infinity))
    change.floor(...(await principalsOf(scope, pair)));
  return change.commit({ body: show(row, now), status: 200 });
}

/** Connectors of the place that could not carry a Service’s flows, named; undefined where there are none. */
async function outdatedConnectors(scope: Scope, network: Id<'remoteNetwork'>): Promise<string | undefined> {
  const old = await scope.select(connectors, {
    where: and(
      eq(connectors.remoteNetworkId, network),
      isNotNull(connectors.enrolledAt),
      isNull(connectors.revokedAt),
      lt(connectors.capability, neededCapability.serviceGrant),
    ),
    limit: 5,
  });
  if (old.length === 0) return undefined;
  const named = old.map(({ name, id, version }) => `${name} (${id}, version ${version ?? 'unknown'})`);
  return `update the Connector ${named.join(', ')} first`;
}
