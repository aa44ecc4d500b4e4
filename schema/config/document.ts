/**
 * A Tenant's configuration as one document, everything by its name: what `sallyport apply` makes true. A list
 * that is absent is left alone, and so is a field that is absent; a grant alone is all that its line says.
 */
import { z } from 'zod';

const name = z.string().trim().min(1).max(100);
const range = z.strictObject({ from: z.number(), to: z.number() });
const ports = z.union([z.literal('all'), z.literal('none'), z.array(range).max(64)]);

export const configurationDocument = z.strictObject({
  networks: z.array(z.strictObject({ name, location: z.string().trim().nullable().optional() })).optional(),
  resources: z
    .array(
      z.strictObject({
        name,
        /** Name of its Remote Network. */
        network: name,
        address: z.string(),
        alias: z.string().nullable().optional(),
        tcp: ports.optional(),
        udp: ports.optional(),
        icmp: z.boolean().optional(),
        tags: z.record(z.string(), z.string()).optional(),
        allow_reserved: z.boolean().optional(),
      }),
    )
    .optional(),
  services: z
    .array(z.strictObject({ name, description: z.string().trim().nullable().optional() }))
    .optional(),
  grants: z
    .array(
      z.strictObject({
        /** Name of the Service Account. */
        service: name,
        /** Name of the Resource. */
        resource: name,
        /** RFC 3339; absent or null: for good. */
        expires_at: z.iso.datetime({ offset: true }).nullable().default(null),
      }),
    )
    .optional(),
});

export type ConfigurationDocument = z.output<typeof configurationDocument>;
export type Listed<L extends keyof ConfigurationDocument> = NonNullable<ConfigurationDocument[L]>[number];
