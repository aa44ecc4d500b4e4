/**
 * Who an administrator's request comes from: an API token of a Tenant, or the deployment's operator.
 */
import type { apiTokens } from '#schema/db/tables.ts';
import type { Tenant } from './context.ts';

export type Caller =
  | { kind: 'api_token'; tenant: Tenant; token: typeof apiTokens.$inferSelect }
  | { kind: 'operator' };
