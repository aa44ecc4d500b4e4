/**
 * What happened to a flow. Each flow ends in one event and each denial is one too; the Connector writes
 * those it saw, the Client those that never left it. They travel in batches over the control channel and
 * stay until acknowledged (`control/messages.ts`); the Controller stores them per Tenant.
 */
import * as z from 'zod/mini';
import { isErrorCode } from '#schema/errors.ts';

export const eventKinds = ['established', 'closed', 'denied', 'failed'] as const;

/** An id of ours. */
const id = z.string().check(z.maxLength(64));
/** A name or an address; a name of DNS has at most 253 characters, a tunnel carries at most 255. */
const place = z.string().check(z.maxLength(260));

export const flowEvent = z.object({
  /** `evt_…`, made by the reporter: storing the same event twice is storing it once. */
  id,
  /** Milliseconds since the epoch, by the Controller's clock (offset applied). */
  at: z.int(),
  kind: z.enum(eventKinds),
  /** `cnx_…`: the same on Client, Connector and Controller. */
  connection: id,
  principal: z.optional(id),
  key: z.optional(id),
  instance: z.optional(id),
  /** Address of the program or device behind the Client, as the Client tells it. */
  client_address: z.optional(place),
  resource: z.optional(id),
  /** The address pattern that decided. */
  rule: z.optional(place),
  protocol: z.enum(['tcp', 'udp', 'icmp', 'dns']),
  host: place,
  port: z.optional(z.int()),
  /** The address that the Connector connected to. */
  resolved: z.optional(place),
  network: z.optional(id),
  connector: z.optional(id),
  relay: z.optional(id),
  path: z.enum(['direct', 'relay', 'none']),
  /** Bytes from the Client to the Resource, and back. */
  bytes_up: z._default(z.int(), 0),
  bytes_down: z._default(z.int(), 0),
  duration_ms: z._default(z.int(), 0),
  code: z.optional(z.string().check(z.refine(isErrorCode))),
  /** Seconds since the Connector last heard from the Controller when it decided. */
  acl_age: z.optional(z.number()),
  /** So many more like it came too fast to be written one by one (`thin.ts`). */
  suppressed: z.optional(z.int().check(z.nonnegative())),
});

export type EventKind = (typeof eventKinds)[number];
export type FlowEvent = z.infer<typeof flowEvent>;

/** At most this many events in one batch. */
export const batchLimit = 200;
