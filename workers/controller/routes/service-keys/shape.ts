/**
 * A Service Key as the API shows it: its state, what that allows, and who uses it. The private half is not
 * here; `create.ts` shows it once.
 */
import { z } from '@hono/zod-openapi';
import type { serviceKeys } from '#schema/db/tables.ts';
import { allowedIn, serviceKeyActions, serviceKeyStates, stateOf } from '#schema/service-key/life.ts';
import type { ChangeOrigin } from '../../change.ts';
import { illegal, instant, iso, isoOrNull } from '../../fields.ts';
import { liveByKey } from '../../presence.ts';
import type { Row } from '../../scope.ts';

export const serviceKey = z
  .object({
    id: z.string().openapi({ example: 'key_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    service_account_id: z.string(),
    name: z.string(),
    state: z.enum(serviceKeyStates),
    allowed: z.array(z.enum(serviceKeyActions)).openapi({ description: 'What its state allows.' }),
    expires_at: instant.nullable().openapi({ description: 'Null: unlimited.' }),
    last_used_at: instant.nullable(),
    live_instances: z.number().int(),
    revoked_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('ServiceKey');

type Asked = Pick<ChangeOrigin, 'ports' | 'scope' | 'now'>;
type KeyRow = Row<typeof serviceKeys>;

export async function show(ask: Asked, rows: KeyRow[]): Promise<z.input<typeof serviceKey>[]> {
  if (rows.length === 0) return [];
  const live = await liveByKey(ask);
  return rows.map((row) => showOne(row, live.get(row.id) ?? 0, ask.now));
}

export function showOne(row: KeyRow, live: number, nowMs: number): z.input<typeof serviceKey> {
  const state = stateOf(row, nowMs);
  return {
    id: row.id,
    service_account_id: row.serviceAccountId,
    name: row.name,
    state,
    allowed: [...allowedIn(state)],
    expires_at: isoOrNull(row.expiresAt),
    last_used_at: isoOrNull(row.lastUsedAt),
    live_instances: live,
    revoked_at: isoOrNull(row.revokedAt),
    created_at: iso(row.createdAt),
  };
}

/** The refusal when the key's state does not allow the action, else undefined. */
export function notAllowed(row: KeyRow, action: (typeof serviceKeyActions)[number], nowMs: number) {
  const state = stateOf(row, nowMs);
  return allowedIn(state).includes(action) ? undefined : illegal('Service Key', state, allowedIn(state));
}
