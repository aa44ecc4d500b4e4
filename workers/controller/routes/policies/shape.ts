/**
 * A Security Policy as the API shows it: what people must show beyond being who they are. Services are never
 * asked.
 */
import { z } from '@hono/zod-openapi';
import { and, gt, isNull } from 'drizzle-orm';
import { type policies, resources, userSessions } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import type { PrincipalId } from '#schema/ids.ts';
import { formatPrefix, networkOf, parseIp, parsePrefix } from '#schema/name/ip.ts';
import { type PolicyRules, policyRules } from '#schema/policy/rules.ts';
import { instant, iso, name } from '../../fields.ts';
import { among, type Row, type Scope } from '../../scope.ts';

export const policy = z
  .object({
    id: z.string().openapi({ example: 'pol_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    name: z.string(),
    is_default: z.boolean().openapi({ description: 'Counts for every Resource that names no other.' }),
    rules: policyRules,
    resources: z.number().int().openapi({ description: 'Resources that name it.' }),
    created_at: instant,
    updated_at: instant,
  })
  .openapi('Policy');

export const writable = { name, rules: policyRules };

export async function show(scope: Scope, rows: Row<typeof policies>[]): Promise<z.input<typeof policy>[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const used = await scope.countBy(resources, resources.policyId, among(resources.policyId, ids));
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    is_default: row.isDefault,
    rules: row.rules,
    resources: used.get(row.id) ?? 0,
    created_at: iso(row.createdAt),
    updated_at: iso(row.updatedAt),
  }));
}

/** Networks in their canonical form, a single address as its own network; or the one that is none. */
export function canonicalRules(rules: PolicyRules) {
  const networks: string[] = [];
  for (const text of rules.networks) {
    const ip = parseIp(text);
    const prefix = ip ? { ip, length: ip.family === 4 ? 32 : 128 } : parsePrefix(text);
    if (!prefix)
      return refuse('validation_failed', `rules.networks: ${text} is neither an address nor a CIDR`);
    networks.push(formatPrefix(networkOf(prefix)));
  }
  return { ok: true as const, rules: { ...rules, networks } };
}

/** Those whose Client ACLs a stricter policy makes void: everybody who is logged in on a device. */
export async function peopleOnDevices(scope: Scope, now: number): Promise<PrincipalId[]> {
  const live = and(isNull(userSessions.revokedAt), gt(userSessions.expiresAt, now));
  const counted = await scope.countBy(userSessions, userSessions.userId, live);
  return [...counted.keys()] as PrincipalId[];
}
