/**
 * A grant as the API shows it: a principal may reach a Resource, until a time or for good. Today the
 * principal is a Service Account; the table holds Users and Groups the same way.
 */
import { z } from '@hono/zod-openapi';
import type { grants } from '#schema/db/tables.ts';
import { instant, iso, isoOrNull } from '../../fields.ts';
import type { Row } from '../../scope.ts';

export const grant = z
  .object({
    id: z.string().openapi({ example: 'grt_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    resource_id: z.string(),
    service_account_id: z.string(),
    state: z.enum(['active', 'expired']),
    expires_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('Grant');

export const show = (row: Row<typeof grants>, nowMs: number): z.input<typeof grant> => ({
  id: row.id,
  resource_id: row.resourceId,
  service_account_id: row.granteeId,
  state: row.expiresAt !== null && row.expiresAt <= nowMs ? 'expired' : 'active',
  expires_at: isoOrNull(row.expiresAt),
  created_at: iso(row.createdAt),
});
