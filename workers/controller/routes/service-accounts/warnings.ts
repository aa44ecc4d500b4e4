/**
 * What deserves an administrator's eye on a Service Account. Nothing here stops anything: a key is never
 * throttled for being used by many.
 */
import { z } from '@hono/zod-openapi';
import type { serviceKeys } from '#schema/db/tables.ts';
import { stateOf } from '#schema/service-key/life.ts';
import type { Row } from '../../scope.ts';

/** Running Clients on one key. */
const manyInstances = 100;
const manyActiveKeys = 10;
const unusedDays = 30;
const day = 24 * 3_600_000;

export const warning = z.object({
  code: z.enum(['key_over_shared', 'key_unused', 'too_many_active_keys', 'no_resources']),
  detail: z.string(),
  key_id: z.string().optional(),
});

export function warningsOf(
  keys: readonly Pick<
    Row<typeof serviceKeys>,
    'id' | 'name' | 'createdAt' | 'lastUsedAt' | 'revokedAt' | 'expiresAt'
  >[],
  facts: { resources: number; liveByKey: ReadonlyMap<string, number>; nowMs: number },
): z.input<typeof warning>[] {
  const active = keys.filter((key) => stateOf(key, facts.nowMs) === 'active');
  const found: z.input<typeof warning>[] = [];
  for (const { id, name, createdAt, lastUsedAt } of active) {
    const live = facts.liveByKey.get(id) ?? 0;
    const idleDays = Math.floor((facts.nowMs - (lastUsedAt ?? createdAt)) / day);
    if (live > manyInstances) {
      const detail = `${live} instances run on the key ${name}: give each system a Service Account of its own`;
      found.push({ code: 'key_over_shared', key_id: id, detail });
    }
    if (live === 0 && idleDays >= unusedDays) {
      const detail = `the key ${name} ${lastUsedAt === null ? 'was never used' : 'was not used'} for ${idleDays} days: revoke it`;
      found.push({ code: 'key_unused', key_id: id, detail });
    }
  }
  if (active.length > manyActiveKeys)
    found.push({
      code: 'too_many_active_keys',
      detail: `${active.length} keys are active: revoke those not needed`,
    });
  if (facts.resources === 0)
    found.push({ code: 'no_resources', detail: 'no Resource is granted: its keys open nothing' });
  return found;
}
