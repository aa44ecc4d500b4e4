/**
 * The straight way out, for what is no Resource: a TCP connection from this machine (RFC 8305 between
 * address families is node's). A program on another machine must not reach through an open proxy what
 * listens on this one, be it on loopback or behind a firewall that trusts the machine itself, nor its
 * link-local neighbours such as a cloud's metadata service.
 */
import { lookup as resolve } from 'node:dns';
import { connect, type LookupFunction, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type ErrorCode, refuse, type Verdict } from '#schema/errors.ts';
import { type Ip, parseIp, sameIp } from '#schema/name/ip.ts';
import { reservedKind } from '#schema/name/reserved.ts';
import type { FlowRequest } from './opening.ts';

const connectMs = 10_000;

/** Resolves when the destination has accepted. */
export function connectDirect({
  destination,
  clientAddress,
  signal,
}: FlowRequest): Promise<Verdict<{ stream: Socket }>> {
  if (signal.aborted) return Promise.resolve(refuse('cancelled'));
  const { host, port } = destination;
  const stranger = isStranger(clientAddress);
  if (stranger && isLocal(host)) return Promise.resolve(addressForbidden());
  return new Promise((settle) => {
    const socket = connect({
      host,
      port: port!,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      ...(stranger && { lookup: lookupElsewhere }),
    });
    const end = (verdict: Verdict<{ stream: Socket }>) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      if (!verdict.ok) socket.on('error', () => {}).destroy();
      settle(verdict);
    };
    const onError = (error: NodeJS.ErrnoException) => end(refusalOf(error));
    const onAbort = () => end(refuse('cancelled'));
    const timer = setTimeout(
      () => end(refuse('connection_timeout', 'the destination does not answer')),
      connectMs,
    );
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('connect', () => end({ ok: true, stream: socket }));
  });
}

/** Not of this machine's loopback: a link-local neighbour is a stranger like any other. */
export const isStranger = (clientAddress: string): boolean => {
  const ip = parseIp(clientAddress);
  return ip === undefined || reservedKind(ip) !== 'loopback';
};

/** What is this machine, its link or its cloud's metadata service, however it is written or translated. */
export const isLocal = (address: string): boolean => {
  const ip = parseIp(address.replace(/%.*$/, ''));
  if (ip === undefined) return false;
  return reservedKind(ip) !== undefined || ownAddresses().some((one) => sameIp(one, ip));
};

/** Of all interfaces: what is open on one of them may be closed to the network that a stranger comes from. */
const ownAddresses = (): Ip[] =>
  Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).flatMap(({ address }) => parseIp(address.replace(/%.*$/, '')) ?? []),
  );

/** Names that resolve to this machine are as forbidden to strangers as its addresses. */
const lookupElsewhere: LookupFunction = (host, options, done) => {
  resolve(host, { ...options, all: true }, (error, addresses) => {
    if (error) return done(error, []);
    const others = addresses.filter(({ address }) => !isLocal(address));
    if (others.length === 0) return done(Object.assign(new Error(), { code: 'SALLYPORT_FORBIDDEN' }), []);
    if (options.all) return done(null, others);
    done(null, others[0]!.address, others[0]!.family);
  });
};

export const addressForbidden = () =>
  refuse('address_forbidden', 'this machine’s own addresses are for its own programs only');

const codes: Record<string, ErrorCode> = {
  ENOTFOUND: 'name_not_found',
  EAI_AGAIN: 'name_failed',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  ETIMEDOUT: 'connection_timeout',
  EHOSTUNREACH: 'host_unreachable',
  ENETUNREACH: 'network_unreachable',
};

function refusalOf(error: NodeJS.ErrnoException): Verdict<never> {
  if (error.code === 'SALLYPORT_FORBIDDEN') return addressForbidden();
  const code = codes[error.code ?? ''] ?? 'host_unreachable';
  const what = code.startsWith('name_')
    ? 'and this machine cannot resolve it'
    : `(${error.code ?? 'unknown'})`;
  return refuse(code, `it is not a Resource of this Client, so it was tried straight from here ${what}`);
}
