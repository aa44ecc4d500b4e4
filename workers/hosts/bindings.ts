/**
 * What the Worker is given by its host, as `wrangler.toml` names it. The three settings are secrets or
 * variables of the deployment; nothing else comes from outside.
 */
import type { ControlChannel } from '#workers/control-channel/durable-object.ts';
import type { Relay } from './relay.ts';

export interface Bindings {
  DATABASE: D1Database;
  CONTROL: DurableObjectNamespace<ControlChannel>;
  RELAY: DurableObjectNamespace<Relay>;
  /** The built console, `workers/console/dist`. */
  ASSETS: Fetcher;
  API_LIMIT: RateLimit;
  FAILED_LOGIN_LIMIT: RateLimit;
  /** 32 bytes, base64: seals the Tenants' signing keys at rest. */
  SALLYPORT_KEK: string;
  /** Bearer token that alone may create Tenants and relays. */
  SALLYPORT_OPERATOR_TOKEN: string;
  /** Where the deployment is reached, without a final slash. */
  SALLYPORT_BASE_URL: string;
  /** Seconds that no token outlives: for tests of renewal. It can only shorten lives. */
  SALLYPORT_DEBUG_TOKEN_LIFETIME_S?: string;
}
