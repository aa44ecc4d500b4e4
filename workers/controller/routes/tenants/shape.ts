/**
 * A Tenant as the API shows it, to its own administrators and to the deployment's operator.
 */
import { z } from '@hono/zod-openapi';
import type { Tenant } from '../../context.ts';
import { instant, iso, name } from '../../fields.ts';
import type { Settings } from '../../ports.ts';
import { tenantUrl } from '../../tenant.ts';

export const tenant = z
  .object({
    id: z.string().openapi({ example: 'ten_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    slug: z.string().openapi({ example: 'acme' }),
    name: z.string(),
    url: z.string().openapi({ description: 'Where its agents find it; the issuer of its tokens.' }),
    hostname: z.string().nullable(),
    staleness_budget_seconds: z.number().int(),
    event_retention_days: z.number().int(),
    config_version: z.number().int(),
    created_at: instant,
  })
  .openapi('Tenant');

/** What a Tenant may set for itself. */
export const own = {
  name,
  staleness_budget_seconds: z
    .number()
    .int()
    .min(0)
    .max(86_400)
    .openapi({ description: 'How long a Connector goes on without the Controller; 0: not at all.' }),
  event_retention_days: z.number().int().min(1).max(3650),
};

/** What the operator sets for it: a host name decides whose requests are whose. */
export const hostname = z
  .string()
  .toLowerCase()
  .max(253)
  .regex(/^(?=.*[a-z])[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/, {
    message: 'a domain name such as access.example.com',
  })
  .nullable();

export const slug = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, {
  message: 'lower-case letters, digits and hyphens, at most 63',
});

export const show = (row: Tenant, settings: Settings): z.input<typeof tenant> => ({
  id: row.id,
  slug: row.slug,
  name: row.name,
  url: tenantUrl(settings, row),
  hostname: row.hostname,
  staleness_budget_seconds: row.stalenessBudget,
  event_retention_days: row.eventRetentionDays,
  config_version: row.configVersion,
  created_at: iso(row.createdAt),
});

export type Settable = Partial<z.output<z.ZodObject<typeof own>> & { hostname: string | null }>;

/** The columns that the fields of a request mean. */
export const columnsOf = (body: Settable) => ({
  ...(body.name !== undefined && { name: body.name }),
  ...(body.hostname !== undefined && { hostname: body.hostname }),
  ...(body.staleness_budget_seconds !== undefined && { stalenessBudget: body.staleness_budget_seconds }),
  ...(body.event_retention_days !== undefined && { eventRetentionDays: body.event_retention_days }),
});

/** Connector ACLs carry the budget, and everything signed carries the URL. */
export const aclShows = (body: Settable): boolean =>
  body.staleness_budget_seconds !== undefined || body.hostname !== undefined;
