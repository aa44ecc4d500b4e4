/**
 * POST /setup: creates a Tenant, its identity provider and its first owner, for whoever has a setup code. The
 * owner then logs in at that provider: the Controller never authenticates a person itself.
 */
import { z } from '@hono/zod-openapi';
import { identityProviders, users } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import { setupRoute } from '../../admin-route.ts';
import { createSigningKey } from '../../agents/signing-keys.ts';
import { Change, mint } from '../../change.ts';
import { deploymentOf } from '../../deployment.ts';
import { loginPaths } from '../../people/paths.ts';
import { scopeOf } from '../../scope.ts';
import { hashOf } from '../../secret.ts';
import { creation, rowOf } from '../identity-providers/create.ts';
import { checkIssuer, show as showProvider } from '../identity-providers/shape.ts';
import { own, show, slug, tenant } from '../tenants/shape.ts';

export const useSetupCode = setupRoute(
  {
    method: 'post',
    path: '/setup',
    tag: 'Deployment',
    summary: 'Create the first Tenant with a setup code',
    body: z.strictObject({
      slug,
      name: own.name,
      owner_email: z.email().max(254),
      identity_provider: creation,
    }),
    answer: z.object({ tenant, login_url: z.string(), redirect_uri: z.string() }).openapi('SetupDone'),
    status: 201,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { ports, now, body } = ask;
    const deployment = deploymentOf(ports.database);
    const checked = checkIssuer(body.identity_provider.issuer, body.identity_provider.preset);
    if (!checked.ok) return checked;
    const hash = await hashOf(ask.secret);
    if (!(await deployment.useSetupCode(hash, now))) return refuse('unauthenticated');

    const row = {
      id: mint(ask, 'tenant'),
      slug: body.slug,
      name: body.name,
      hostname: null,
      stalenessBudget: 900,
      eventRetentionDays: 30,
      configVersion: 1,
      createdAt: now,
    };
    const scope = scopeOf(ports.database, row.id);
    const provider = await rowOf(ask, row.id, body.identity_provider);
    const owner = {
      id: mint(ask, 'user'),
      userName: body.owner_email.toLowerCase(),
      email: body.owner_email.toLowerCase(),
      source: 'setup' as const,
      role: 'owner' as const,
      createdAt: now,
      updatedAt: now,
    };
    const shown = show(row, ports.settings);
    const made = await new Change({ ...ask, scope })
      .write(
        deployment.insertTenant(row),
        scope.insert(identityProviders, provider),
        scope.insert(users, owner),
      )
      .audit('create', 'tenant', row.id, {
        after: shown,
      })
      .audit('create', 'identityProvider', provider.id, {
        after: (await showProvider({ scope, tenant: row, ports }, [provider]))[0],
      })
      .audit('create', 'user', owner.id, {
        after: { user_name: owner.userName, role: owner.role, source: owner.source },
      })
      .commit({
        body: {
          tenant: shown,
          login_url: shown.url + loginPaths.start,
          redirect_uri: shown.url + loginPaths.callback,
        },
      });
    if (made.ok) await createSigningKey(ports, row.id);
    else await deployment.releaseSetupCode(hash);
    return made;
  },
);
