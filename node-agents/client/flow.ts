/**
 * The one place where a destination is opened for a program, whichever listener it came through: route,
 * then tunnel or direct connection. What was refused before any Connector saw it becomes an event here.
 */
import type { Socket } from 'node:net';
import type { Flow } from '#node-agents/link/tunnel/flow.ts';
import type { Log } from '#node-agents/process/log.ts';
import { errors, type Refusal, type Verdict } from '#schema/errors.ts';
import type { FlowEvent } from '#schema/event/event.ts';
import { canonicalHost } from '#schema/name/host.ts';
import type { Acls, Found } from './acl.ts';
import { connectDirect } from './direct.ts';
import type { FlowRequest, Open, Opening } from './opening.ts';
import { tellRefusals } from './refusal-log.ts';
import type { Refused } from './refusals.ts';
import { decide } from './route.ts';
import type { Tunnels } from './tunnels.ts';

/** The session as flows see it. */
export interface Access {
  readonly acls: Acls;
  readonly tunnels: Tunnels;
  /** Asks for a fresh ACL; resolves when it is there, or after a moment without. */
  renewAcl(): Promise<void>;
}

export interface OpenOptions {
  /** Undefined until the first login; `reason` says what is waited for. */
  access(): Access | undefined;
  waitingFor(): Refusal;
  /** Resolves with the first login, or after a while without: for programs that must not notice a restart. */
  patience?: (() => Promise<unknown>) | undefined;
  direct: boolean;
  /** By the Controller's clock. */
  nowMs(): number;
  connectionId(): string;
  /** A flow that never left this Client. */
  report(event: Pick<FlowEvent, 'kind' | 'connection' | 'protocol' | 'host'> & Partial<FlowEvent>): void;
  /** Told to whoever asks for `status`. */
  refused(refused: Refused): void;
  log: Log;
}

/** The straight way out, for what is no Resource. */
export type Direct<S> = (request: FlowRequest) => Promise<Verdict<{ stream: S }>>;

/** For TCP. */
export const createOpen = (o: OpenOptions): Open => createOpenBy<Socket>(o, connectDirect);

/** For whatever `direct` opens and a tunnel carries. */
export function createOpenBy<S>(o: OpenOptions, direct: Direct<S>): Open<S | Flow> {
  const tell = tellRefusals(o.log);
  return async (asked) => {
    const request = { ...asked, clientAddress: canonicalHost(asked.clientAddress) ?? '' };
    const connection = o.connectionId();
    const startedMs = o.nowMs();
    const opening = await openOnce(o, direct, request, connection);
    if (opening.ok) {
      o.log.debug('flow_open', { connection, host: request.destination.host, ms: o.nowMs() - startedMs });
    } else if (opening.code !== 'cancelled') {
      const { code, detail } = opening;
      tell(connection, code);
      const { destination, clientAddress } = request;
      o.refused({ destination, clientAddress, code, detail, connection });
      o.log.debug('flow_refused_detail', { connection, ...request.destination, detail });
    }
    return opening;
  };
}

async function openOnce<S>(
  o: OpenOptions,
  direct: Direct<S>,
  request: FlowRequest,
  connection: string,
): Promise<Opening<S | Flow>> {
  if (o.access() === undefined) await o.patience?.();
  const access = o.access();
  const route = decide(request.destination, { acls: access?.acls, direct: o.direct, nowMs: o.nowMs() });
  if (route.to === 'direct') return { connection, ...(await direct(request)) };
  if (access === undefined) return { connection, ...o.waitingFor() };
  if (route.to === 'nowhere')
    return { connection, ...refused(o, request, connection, route.refusal, route.found) };
  let opened = await access.tunnels.open(route.network, request, connection);
  if (!opened.ok && (opened.code === 'acl_superseded' || opened.code === 'acl_expired')) {
    await access.renewAcl();
    opened = await access.tunnels.open(route.network, request, connection);
  }
  if (opened.ok || !neverLeft(opened)) return { connection, ...opened };
  return { connection, ...refused(o, request, connection, opened, route) };
}

/** Refusals that no Connector has seen, and so nobody else will write down. */
const neverLeft = ({ code }: Refusal): boolean => code === 'no_connector';

function refused(
  { report }: OpenOptions,
  { destination, clientAddress }: FlowRequest,
  connection: string,
  refusal: Refusal,
  { network, resource, rule }: Partial<Found>,
): Refusal {
  report({
    kind: errors[refusal.code].status === 403 ? 'denied' : 'failed',
    connection,
    protocol: destination.protocol,
    host: destination.host,
    ...(destination.port !== undefined && { port: destination.port }),
    ...(clientAddress !== '' && { client_address: clientAddress }),
    ...(network !== undefined && { network }),
    ...(resource !== undefined && { resource: resource.id }),
    ...(rule !== undefined && { rule }),
    code: refusal.code,
  });
  return refusal;
}
