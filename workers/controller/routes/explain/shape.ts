/** A question about a destination and its explanation, step by step. */
import { z } from '@hono/zod-openapi';
import type { ErrorCode } from '#schema/errors.ts';

export const question = z.object({
  principal: z.string().max(64).openapi({ description: 'The id of a Service Account or of a user.' }),
  host: z.string().min(1).max(260),
  port: z.coerce.number().int().min(1).max(65535).optional(),
  protocol: z.enum(['tcp', 'udp', 'icmp']).default('tcp'),
});
export type Question = z.output<typeof question>;

/** Who decides each check. */
export const components = {
  service_key: 'credential',
  user: 'credential',
  session: 'credential',
  resource: 'client_acl',
  grant: 'client_acl',
  port: 'client_acl',
  policy: 'policy',
  connector: 'connector',
  connector_acl: 'connector_acl',
} as const;
export type Check = keyof typeof components;

export const step = z.object({
  check: z.enum(Object.keys(components) as [Check, ...Check[]]),
  component: z
    .enum(['credential', 'client_acl', 'policy', 'connector', 'connector_acl'])
    .openapi({ description: 'Who decides this.' }),
  ok: z.boolean(),
  detail: z.string(),
  code: z.string().nullable().openapi({ description: 'What the Client would be told.' }),
  remedy: z.string().nullable(),
});

export const explanation = z
  .object({
    allowed: z.boolean(),
    code: z.string().nullable().openapi({ description: 'What the Client would be told; null when allowed.' }),
    remedy: z.string().nullable(),
    resource_id: z.string().nullable(),
    resource_name: z.string().nullable(),
    rule: z.string().nullable().openapi({ description: 'The address or alias that decides.' }),
    remote_network_id: z.string().nullable(),
    steps: z.array(step),
  })
  .openapi('Explanation');

/** One decision; `code` of one that is against it. */
export type Finding = { check: Check; detail: string } & ({ ok: true } | { ok: false; code: ErrorCode });
