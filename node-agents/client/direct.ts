/**
 * The straight way out, for what is no Resource: a TCP connection from this machine (RFC 8305 between
 * address families is node's). A program on another machine must not reach what listens on this one's
 * loopback through an open proxy, nor its link-local neighbours such as a cloud's metadata service.
 */
import { lookup as resolve } from 'node:dns';
import { BlockList, connect, isIP, isIPv6, type LookupFunction, type Socket } from 'node:net';
import { type ErrorCode, refuse, type Verdict } from '#schema/errors.ts';
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
  const stranger = !isLocal(clientAddress);
  if (stranger && isLocal(host)) return Promise.resolve(forbidden());
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

const local = new BlockList();
for (const [net, prefix] of [
  ['127.0.0.0', 8],
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
] as const)
  local.addSubnet(net, prefix);
for (const [net, prefix] of [
  ['::1', 128],
  ['::', 128],
  ['fe80::', 10],
] as const)
  local.addSubnet(net, prefix, 'ipv6');

/** Loopback, unspecified or link-local. */
const isLocal = (address: string): boolean =>
  isIP(address) !== 0 && local.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

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

const forbidden = () =>
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
  if (error.code === 'SALLYPORT_FORBIDDEN') return forbidden();
  const code = codes[error.code ?? ''] ?? 'host_unreachable';
  const what = code.startsWith('name_')
    ? 'and this machine cannot resolve it'
    : `(${error.code ?? 'unknown'})`;
  return refuse(code, `it is not a Resource of this Client, so it was tried straight from here ${what}`);
}
