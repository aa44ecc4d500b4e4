/**
 * Offers of direct paths and their answers, between the channels of a Client and of a Connector. The Client's
 * object asks whether the two may meet and hands the offer to the Connector's object, which remembers for
 * seconds who waits for the answer (`schema/path/desk.ts`). What was forgotten meanwhile, for instance by an
 * object that slept, the Client asks for again.
 */
import { neededCapability } from '#schema/control/features.ts';
import type { FromAgent, FromControllerOf } from '#schema/control/messages.ts';
import { type ErrorCode, refuse, type Verdict } from '#schema/errors.ts';
import type { Id } from '#schema/ids.ts';
import type { OfferDesk } from '#schema/path/desk.ts';
import { meetable } from '#workers/controller/agents/meetable.ts';
import type { Ports, VerifiedAgent } from '#workers/controller/ports.ts';
import { isOpen, seatOf, tell } from './seat.ts';

export interface OfferContext {
  ports: Ports;
  desk: OfferDesk;
}

type Of<R extends VerifiedAgent['role']> = Extract<VerifiedAgent, { role: R }>;
type Said<T extends FromAgent['type']> = Extract<FromAgent, { type: T }>;

/** A Client's, where its channel is held. A refusal is an answer too. */
export async function takeOffer(
  { ports, desk }: OfferContext,
  socket: WebSocket,
  client: Of<'client'>,
  { offer, connector: hash, candidates }: Said<'offer'>,
): Promise<void> {
  const refused = (code: ErrorCode) => void tell(socket, { type: 'answer', offer, code });
  const may = desk.mayOffer(client.id, ports.clock());
  if (!may.ok) return refused(may.code);
  const allowed = await meetable(ports, client.tenant, client.principal);
  const connector = allowed.find((row) => row.hash === hash);
  // As of one that does not exist: there is nothing to learn of the others.
  if (!connector) return refused('connector_offline');
  const message = { type: 'offer' as const, offer, jkt: client.jkt, candidates };
  const passed = await ports.channels.passOffer(client.tenant, connector.id, client.id, message);
  if (!passed.ok) refused(passed.code);
}

/** The same, where the channel of the Connector is held. */
export function passOffer(
  { ports, desk }: OfferContext,
  sockets: readonly WebSocket[],
  who: { connector: Id<'connector'>; instance: Id<'instance'> },
  message: FromControllerOf<'offer'>,
): Verdict<object> {
  const socket = sockets.find((one) => isOpen(one) && seatOf(one).greeted);
  if (!socket) return refuse('connector_offline');
  if ((seatOf(socket).capability ?? 0) < neededCapability.directPath) return refuse('version_unsupported');
  const passed = desk.pass(message.offer, who, ports.clock());
  if (!passed.ok) return passed;
  return tell(socket, message) ? { ok: true } : refuse('connector_offline');
}

/** A Connector's, where its channel is held. What nobody waits for is dropped. */
export async function takeAnswer(
  { ports, desk }: OfferContext,
  connector: Of<'connector'>,
  message: Said<'answer'>,
): Promise<void> {
  const instance = desk.answered(message.offer, connector.id, ports.clock());
  if (instance === undefined) return;
  await ports.channels.passAnswer(connector.tenant, instance as Id<'instance'>, message);
}
