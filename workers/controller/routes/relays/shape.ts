/**
 * A relay as the operator sees it. Relays serve the whole deployment: no Tenant sees more of them than the
 * list that its agents get.
 */
import { z } from '@hono/zod-openapi';
import type { relays } from '#schema/db/tables.ts';
import { instant, iso, isoOrNull, name } from '../../fields.ts';
import type { Row } from '../../scope.ts';

export const writable = {
  name,
  url: z
    .url({ protocol: /^https?$/ })
    .max(300)
    .transform((url) => url.replace(/\/+$/, ''))
    .openapi({ example: 'https://relay-1.example.com' }),
  carriers: z
    .array(z.enum(['raw', 'websocket']))
    .min(1)
    .max(2)
    .default(['raw', 'websocket'])
    .openapi({ description: 'In order of preference.' }),
};

export const relay = z
  .object({
    id: z.string().openapi({ example: 'rel_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    name: z.string(),
    url: z.string(),
    carriers: z.array(z.enum(['raw', 'websocket'])),
    state: z.enum(['not_enrolled', 'connected', 'disconnected']),
    enrolled_at: instant.nullable(),
    connected_at: instant.nullable(),
    disconnected_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('Relay');

export const show = (row: Row<typeof relays>): z.input<typeof relay> => ({
  id: row.id,
  name: row.name,
  url: row.url,
  carriers: row.carriers,
  state: stateOf(row),
  enrolled_at: isoOrNull(row.enrolledAt),
  connected_at: isoOrNull(row.connectedAt),
  disconnected_at: isoOrNull(row.disconnectedAt),
  created_at: iso(row.createdAt),
});

function stateOf({ enrolledAt, connectedAt, disconnectedAt }: Row<typeof relays>) {
  if (enrolledAt === null) return 'not_enrolled' as const;
  return connectedAt !== null && connectedAt > (disconnectedAt ?? -1) ? 'connected' : 'disconnected';
}
