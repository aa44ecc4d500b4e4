/**
 * POST /tenants, by the deployment's operator: a Tenant with its signing key and its first API token, which
 * holds every scope and is shown once.
 */
import { z } from '@hono/zod-openapi';
import { operatorRoute } from '../../admin-route.ts';
import { createSigningKey } from '../../agents/signing-keys.ts';
import { Change, mint } from '../../change.ts';
import { deploymentOf } from '../../deployment.ts';
import { scopeOf } from '../../scope.ts';
import { mintToken, withSecret } from '../api-tokens/shape.ts';
import { hostname, own, show, slug, tenant } from './shape.ts';

export const createTenant = operatorRoute(
  {
    method: 'post',
    path: '/tenants',
    tag: 'Deployment',
    summary: 'Create a Tenant and its first API token',
    body: z.strictObject({
      slug,
      name: own.name.optional(),
      hostname: hostname.default(null),
      staleness_budget_seconds: own.staleness_budget_seconds.default(900),
      event_retention_days: own.event_retention_days.default(30),
    }),
    answer: tenant.extend({ api_token: withSecret }).openapi('TenantCreated'),
    status: 201,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { ports, now, body } = ask;
    const row = {
      id: mint(ask, 'tenant'),
      slug: body.slug,
      name: body.name ?? body.slug,
      hostname: body.hostname,
      stalenessBudget: body.staleness_budget_seconds,
      eventRetentionDays: body.event_retention_days,
      configVersion: 1,
      createdAt: now,
    };
    const token = await mintToken(ask, row.id, { name: 'first', scopes: ['*'], expiresAt: null });
    const shown = show(row, ports.settings);
    const made = await new Change({ ...ask, scope: scopeOf(ports.database, row.id) })
      .write(deploymentOf(ports.database).insertTenant(row), token.statement)
      .audit('create', 'tenant', row.id, { after: { ...shown, api_token: token.shown } })
      .commit({ body: { ...shown, api_token: { ...token.shown, token: token.secret } } });
    if (made.ok) await createSigningKey(ports, row.id);
    return made;
  },
);
