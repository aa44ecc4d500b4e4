/**
 * The edge relay's doors, as the stateless Worker sees them. It verifies whoever comes
 * (`schema/relay/handshake.ts`) with keys straight from the Controller's database, and hands the request and
 * the verified facts to the Connector's own object (`durable-object.ts`).
 *
 * To mount it, ask before anything else whether the relay answers:
 *   const answer = await relayFetch(request, relay);   // null: not one of the relay's doors
 *   if (answer !== null) return answer;
 */
import type { ErrorCode } from '#schema/errors.ts';
import { type Admission, doorOf, type Issuers, verifyKnock } from '#schema/relay/handshake.ts';
import { regionOf, type Whereabouts } from '#schema/relay/placement.ts';
import { problemOf } from '#schema/relay/problem.ts';
import { relayPaths } from '#schema/relay/wire.ts';
import type { RelayObject } from './durable-object.ts';

export interface EdgeRelay {
  /** Public URL without a final slash: what proofs are made for. */
  url: string;
  issuers: Issuers;
  /** Objects by Connector hash. */
  objects: DurableObjectNamespace<RelayObject>;
  /** Milliseconds since the epoch. */
  clock(): number;
  log(level: 'debug' | 'error', event: string, fields: Record<string, unknown>): void;
}

/** Between Worker and object: who stands at the door. Whatever a caller sends under this name is dropped. */
const admissionHeader = 'sallyport-admission';
/** Of the request, what the object's own answer needs. */
const passedOn = [
  'upgrade',
  'connection',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
];

export async function relayFetch(request: Request, relay: EdgeRelay): Promise<Response | null> {
  const door = doorOf(new URL(request.url).pathname, new URL(relay.url).pathname);
  if (door === null) return null;
  const nowMs = relay.clock();
  const refused = (code: ErrorCode, detail?: string) => {
    relay.log('debug', 'relay_refused', { door, code, detail });
    return problemResponse(code, nowMs);
  };
  const { method, headers } = request;
  const url = relay.url + relayPaths[door];
  const header = (name: string) => headers.get(name);
  const verdict = await verifyKnock({ door, method, url, header, nowMs }, relay.issuers);
  if (!verdict.ok) return refused(verdict.code, verdict.detail);
  const { admission } = verdict;
  if (admission.carrier !== 'websocket') return refused('version_unsupported', 'no raw streams at the edge');
  try {
    return await objectOf(relay, request, admission).fetch(handOver(request, admission));
  } catch (error) {
    relay.log('error', 'relay_object_failed', { door, error: String(error) });
    return problemResponse('internal_error', nowMs);
  }
}

/** A Connector makes its object, by its first link, so it is the one who says where. */
function objectOf({ objects }: EdgeRelay, request: Request, { door, hash }: Admission) {
  const region = door === 'register' ? regionOf((request.cf ?? {}) as Whereabouts) : undefined;
  return objects.getByName(hash, region && { locationHint: region });
}

/** The other end of `relayFetch`, in the object. */
export function admissionOf(request: Request): Admission {
  return JSON.parse(request.headers.get(admissionHeader)!) as Admission;
}

export function problemResponse(code: ErrorCode, nowMs: number): Response {
  const { status, headers, body } = problemOf(code, nowMs);
  return new Response(body, { status, headers });
}

function handOver(request: Request, admission: Admission): Request {
  const headers = new Headers({ [admissionHeader]: JSON.stringify(admission) });
  for (const name of passedOn) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Request(request.url, { headers });
}
