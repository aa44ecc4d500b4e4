/** GET /audit: what administrators changed, newest first. */
import { z } from '@hono/zod-openapi';
import { and, eq } from 'drizzle-orm';
import { auditEntries } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { instant, iso } from '../../fields.ts';
import { between, newestPage, pageOf, pageQuery, span } from '../../paginate.ts';

const entry = z
  .object({
    id: z.string(),
    at: instant,
    actor: z.string().openapi({ description: 'The id of the API token, or `operator`.' }),
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

export const listAudit = adminRoute(
  {
    method: 'get',
    path: '/audit',
    tag: 'Events',
    summary: 'List audit entries',
    needs: 'audit:read',
    query: pageQuery.extend({
      actor: z.string().optional(),
      action: z.string().optional(),
      target: z.string().optional().openapi({ description: 'The id of what was changed.' }),
      ...span,
    }),
    answer: pageOf(entry),
  },
  async ({ scope, query }) => {
    const { actor, action, target } = query;
    const where = and(
      actor === undefined ? undefined : eq(auditEntries.actor, actor),
      action === undefined ? undefined : eq(auditEntries.action, action),
      target === undefined ? undefined : eq(auditEntries.targetId, target),
      ...between(auditEntries.at, query),
    );
    const found = await newestPage(scope, auditEntries, query, where);
    if (!found.ok) return found;
    const items = found.rows.map((row) => ({
      id: row.id,
      at: iso(row.at),
      actor: row.actor,
      action: row.action,
      target: { kind: row.targetKind, id: row.targetId },
      before: row.before ?? null,
      after: row.after ?? null,
      request_id: row.requestId,
      address: row.address,
    }));
    return answer({ items, next_cursor: found.next_cursor });
  },
);
