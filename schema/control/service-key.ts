/**
 * The Service Key file, in the shape that its users know. The private half is all that a Client needs to
 * log in (`login.ts`); the Controller keeps the public half alone. Accepted as JSON (any spacing) or as
 * base64 of it.
 */
import * as z from 'zod/mini';

export const serviceKeyFile = z.object({
  version: z.literal('1'),
  /** The Tenant's URL, or a bare host name that means https. */
  network: z.string().check(z.minLength(1)),
  service_account_id: z.string(),
  /** PKCS#8 PEM of an EC P-256 key (RFC 5958). */
  private_key: z.string().check(z.startsWith('-----BEGIN PRIVATE KEY-----')),
  key_id: z.string(),
  /** RFC 3339, or null for a key without an end. */
  expires_at: z.nullable(z.string()),
  login_path: z.string().check(z.startsWith('/')),
});

export type ServiceKeyFile = z.infer<typeof serviceKeyFile>;

/**
 * A person's login on a device, as `sallyportd login` keeps it: for a person's Client what a Service Key is
 * for a machine's.
 */
export const userSessionFile = z.extend(z.omit(serviceKeyFile, { service_account_id: true }), {
  user_id: z.string(),
  user_name: z.string(),
});

export type UserSessionFile = z.infer<typeof userSessionFile>;
