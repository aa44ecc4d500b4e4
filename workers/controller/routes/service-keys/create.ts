/**
 * POST /service-accounts/{id}/keys. Every key opens all Resources of its account. Its expiry is set here and
 * never again.
 */
import { z } from '@hono/zod-openapi';
import { partial } from 'zod/mini';
import { paths } from '#schema/control/login.ts';
import { serviceKeyFile } from '#schema/control/service-key.ts';
import { serviceAccounts, serviceKeys } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, mint } from '../../change.ts';
import { absent, described, endAfter, expiresInDays, idPath, isoOrNull, name } from '../../fields.ts';
import { tenantUrl } from '../../tenant.ts';
import { acceptPublicKey, makeKeyPair } from './key-pair.ts';
import { serviceKey, showOne } from './shape.ts';

export const createServiceKey = adminRoute(
  {
    method: 'post',
    path: '/service-accounts/{id}/keys',
    tag: 'Service Keys',
    summary: 'Create a Service Key',
    description:
      '`service_key` is the file for the Client. Without `public_key` the key pair is made here, and `private_key` is in the file: shown this once, kept nowhere. With `public_key` it is for the caller to put in.',
    needs: 'services:write',
    params: idPath,
    body: z.strictObject({
      name,
      expires_in_days: expiresInDays.openapi({
        description: 'Null: unlimited. Cannot be changed later.',
      }),
      public_key: z.record(z.string(), z.unknown()).optional().openapi({
        description: 'JWK of an EC P-256 public key (RFC 7517), to keep the private half to yourself.',
      }),
    }),
    answer: serviceKey
      .extend({ service_key: described(partial(serviceKeyFile, { private_key: true })) })
      .openapi('ServiceKeyCreated'),
    status: 201,
    refuses: ['public_key_invalid'],
  },
  async (ask) => {
    const { ports, scope, now, body, tenant } = ask;
    const account = await scope.byId(serviceAccounts, ask.params.id);
    if (!account) return absent('Service Account', ask.params.id);
    const made = body.public_key ? undefined : await makeKeyPair();
    const key = made ? { ok: true as const, ...made } : await acceptPublicKey(body.public_key!);
    if (!key.ok) return key;
    const row = {
      id: mint(ask, 'serviceKey'),
      tenantId: scope.tenantId,
      serviceAccountId: account.id,
      name: body.name,
      publicJwk: key.publicJwk,
      createdAt: now,
      expiresAt: endAfter(now, body.expires_in_days),
      revokedAt: null,
      lastUsedAt: null,
    };
    const shown = showOne(row, 0, now);
    const file = {
      version: '1' as const,
      network: tenantUrl(ports.settings, tenant),
      service_account_id: account.id,
      ...(made && { private_key: made.privateKeyPem }),
      key_id: row.id,
      expires_at: isoOrNull(row.expiresAt),
      login_path: paths.token,
    };
    return new Change(ask)
      .write(scope.insert(serviceKeys, row))
      .audit('create', 'serviceKey', row.id, { after: shown })
      .commit({ body: { ...shown, service_key: file } });
  },
);
