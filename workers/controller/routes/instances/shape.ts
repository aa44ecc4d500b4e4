/**
 * A running Client under a Service Key, as the API shows it. There may be any number of them.
 */
import { z } from '@hono/zod-openapi';
import type { instances } from '#schema/db/tables.ts';
import { instant, iso, isoOrNull } from '../../fields.ts';
import type { Row } from '../../scope.ts';

export const instance = z
  .object({
    id: z.string().openapi({ example: 'ins_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    key_id: z.string().nullable(),
    service_account_id: z.string(),
    live: z.boolean().openapi({ description: 'Whether it holds a control channel now.' }),
    hostname: z.string().nullable(),
    version: z.string().nullable(),
    public_address: z.string().nullable(),
    started_at: instant,
    connected_at: instant.nullable(),
    disconnected_at: instant.nullable(),
    revoked_at: instant.nullable(),
  })
  .openapi('Instance');

export const show = (row: Row<typeof instances>, live: boolean): z.input<typeof instance> => ({
  id: row.id,
  key_id: row.keyId,
  service_account_id: row.principalId,
  live,
  hostname: row.hostname,
  version: row.version,
  public_address: row.publicAddress,
  started_at: iso(row.startedAt),
  connected_at: isoOrNull(row.connectedAt),
  disconnected_at: isoOrNull(row.disconnectedAt),
  revoked_at: isoOrNull(row.revokedAt),
});
