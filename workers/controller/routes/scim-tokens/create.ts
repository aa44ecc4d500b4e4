/** POST /scim-tokens. Several may be live at a time, so that one can be replaced without a gap. */
import { z } from '@hono/zod-openapi';
import { scimTokens } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, mint } from '../../change.ts';
import { endAfter, expiresInDays, name } from '../../fields.ts';
import type { Row } from '../../scope.ts';
import { mintSecret } from '../../secret.ts';
import { tenantUrl } from '../../tenant.ts';
import { show, withSecret } from './shape.ts';

export const createScimToken = adminRoute(
  {
    method: 'post',
    path: '/scim-tokens',
    tag: 'SCIM',
    summary: 'Create a SCIM token',
    needs: 'scim:write',
    body: z.strictObject({
      name,
      expires_in_days: expiresInDays.openapi({ description: 'Null: unlimited.' }),
    }),
    answer: withSecret,
    status: 201,
  },
  async (ask) => {
    const { ports, scope, now, body, tenant } = ask;
    const { secret, hash } = await mintSecret(ports, 'sps');
    const row: Row<typeof scimTokens> = {
      tenantId: scope.tenantId,
      id: mint(ask, 'scimToken'),
      name: body.name,
      hash,
      createdAt: now,
      expiresAt: endAfter(now, body.expires_in_days),
      lastUsedAt: null,
      revokedAt: null,
    };
    const shown = show(row, now);
    return new Change(ask)
      .write(scope.insert(scimTokens, row))
      .audit('create', 'scimToken', row.id, { after: shown })
      .commit({
        body: { ...shown, token: secret, base_url: `${tenantUrl(ports.settings, tenant)}/scim/v2` },
      });
  },
);
