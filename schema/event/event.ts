/**
 * What happened to a flow. Each flow ends in one event and each denial is one too; the Connector writes
 * those it saw, the Client those that never left it. They travel in batches over the control channel and
 * stay until acknowledged (`control/messages.ts`); the Controller stores them per Tenant.
 */
import { z } from 'zod';
import { isErrorCode } from '#schema/errors.ts';

export const eventKinds = ['established', 'closed', 'denied', 'failed'] as const;

/** An id of ours. */
const id = z.string().max(64);
/** A name or an address; a name of DNS has at most 253 characters, a tunnel carries at most 255. */
const place = z.string().max(260);

export const flowEvent = z.object({
  /** `evt_…`, made by the reporter: storing the same event twice is storing it once. */
  id,
  /** Milliseconds since the epoch, by the Controller's clock (offset applied). */
  at: z.number().int(),
  kind: z.enum(eventKinds),
  /** `cnx_…`: the same on Client, Connector and Controller. */
  connection: id,
  principal: id.optional(),
  key: id.optional(),
  instance: id.optional(),
  /** Address of the program or device behind the Client, as the Client tells it. */
  client_address: place.optional(),
  resource: id.optional(),
  /** The address pattern that decided. */
  rule: place.optional(),
  protocol: z.enum(['tcp', 'udp', 'icmp', 'dns']),
  host: place,
  port: z.number().int().optional(),
  /** The address that the Connector connected to. */
  resolved: place.optional(),
  network: id.optional(),
  connector: id.optional(),
  relay: id.optional(),
  path: z.enum(['direct', 'relay', 'none']),
  /** Bytes from the Client to the Resource, and back. */
  bytes_up: z.number().int().default(0),
  bytes_down: z.number().int().default(0),
  duration_ms: z.number().int().default(0),
  code: z.string().refine(isErrorCode).optional(),
  /** Seconds since the Connector last heard from the Controller when it decided. */
  acl_age: z.number().optional(),
  /** So many more like it came too fast to be written one by one (`thin.ts`). */
  suppressed: z.number().int().nonnegative().optional(),
});

export type EventKind = (typeof eventKinds)[number];
export type FlowEvent = z.infer<typeof flowEvent>;

/** At most this many events in one batch. */
export const batchLimit = 200;
