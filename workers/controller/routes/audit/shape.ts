/** An audit entry as the API shows it, and which of them are asked for. */
import { z } from '@hono/zod-openapi';
import { and, eq, or, type SQL } from 'drizzle-orm';
import { apiTokens, auditEntries, users } from '#schema/db/tables.ts';
import { instant, iso } from '../../fields.ts';
import { between, span } from '../../paginate.ts';
import type { Row, Scope } from '../../scope.ts';
import { containing, naming } from '../../search.ts';

export const entry = z
  .object({
    id: z.string(),
    at: instant,
    actor: z.string().openapi({ description: 'The id of an API token or a user, or `operator`.' }),
    action: z.string().openapi({ example: 'service_key.revoke' }),
    target: z.object({ kind: z.string(), id: z.string() }),
    before: z
      .unknown()
      .openapi({ description: 'What the change replaced, without secrets; null where nothing was.' }),
    after: z.unknown(),
    request_id: z.string(),
    address: z.string().nullable(),
  })
  .openapi('AuditEntry');

export const filters = {
  actor: z.string().max(64).optional(),
  action: z.string().max(64).optional(),
  target: z.string().max(64).optional().openapi({ description: 'The id of what was changed.' }),
  target_kind: z.string().max(64).optional().openapi({ example: 'service_key' }),
  q: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: 'In any part of an entry, and in the actor’s name.' }),
};
const auditQuery = z.object({ ...filters, ...span });

export function matching(scope: Scope, query: z.output<typeof auditQuery>): SQL | undefined {
  const { actor, action, target, target_kind: kind, q } = query;
  return and(
    actor === undefined ? undefined : eq(auditEntries.actor, actor),
    action === undefined ? undefined : eq(auditEntries.action, action),
    target === undefined ? undefined : eq(auditEntries.targetId, target),
    kind === undefined ? undefined : eq(auditEntries.targetKind, kind),
    q ? withText(scope, q) : undefined,
    ...between(auditEntries.at, query),
  );
}

const withText = (scope: Scope, q: string): SQL | undefined => {
  const { actor, action, targetId, before, after, requestId, address } = auditEntries;
  return or(
    containing(q, actor, action, targetId, before, after, requestId, address),
    naming(scope, actor, apiTokens, containing(q, apiTokens.name)!),
    naming(scope, actor, users, containing(q, users.userName, users.name)!),
  );
};

export const show = (row: Row<typeof auditEntries>): z.input<typeof entry> => ({
  id: row.id,
  at: iso(row.at),
  actor: row.actor,
  action: row.action,
  target: { kind: row.targetKind, id: row.targetId },
  before: row.before ?? null,
  after: row.after ?? null,
  request_id: row.requestId,
  address: row.address,
});
