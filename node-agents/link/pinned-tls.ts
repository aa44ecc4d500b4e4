/**
 * TLS 1.3 between one Client and one Connector over whatever stream they met on (`relay/meet.ts`,
 * `relay/register.ts`); the tunnel (`tunnel/*.ts`) runs inside. There is no authority: the Client knows the
 * Connector by the hash of its public key, the Connector learns the Client's key thumbprint and later demands
 * that token and ACL are bound to it. Key exchange is Node's default, the post-quantum hybrid X25519MLKEM768.
 */
import { timingSafeEqual } from 'node:crypto';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint';
import { SallyportError } from '#schema/errors.ts';
import { type ConnectorHash, connectorHashOf } from '#schema/ids.ts';
import { alpn } from '#schema/tunnel/frames.ts';
import { type Identity, jwkOf, spkiOf } from './identity.ts';

export interface ConnectPinned {
  identity: Identity;
  /** Whom to expect. */
  connectorHash: ConnectorHash;
  timeoutMs: number;
}

/**
 * The Client's side.
 * @throws SallyportError peer_not_pinned, handshake_timeout, peer_gone; the stream is destroyed then.
 */
export async function connectPinned(stream: Duplex, o: ConnectPinned): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    socket: stream,
    secureContext: contextOf(o.identity),
    ALPNProtocols: [alpn],
    // Nobody signs these certificates: the pin below is the check.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  await handshake(socket, stream, 'secureConnect', o.timeoutMs);
  const key = socket.getPeerX509Certificate()?.publicKey;
  const hash = key === undefined ? '' : await connectorHashOf(spkiOf(key));
  if (!same(hash, o.connectorHash)) {
    throw closed(socket, new SallyportError('peer_not_pinned', 'the Connector’s key has another hash'));
  }
  if (socket.destroyed) throw new SallyportError('peer_gone', 'closed right after the TLS handshake');
  return socket;
}

export interface AcceptPinned {
  identity: Identity;
  timeoutMs: number;
}

/**
 * The Connector's side.
 * @returns `peerJkt`: RFC 7638 thumbprint of the key that the Client has proved to hold.
 * @throws SallyportError peer_not_pinned without a P-256 certificate, handshake_timeout, peer_gone.
 */
export async function acceptPinned(
  stream: Duplex,
  o: AcceptPinned,
): Promise<{ socket: tls.TLSSocket; peerJkt: string }> {
  const socket = new tls.TLSSocket(stream, {
    isServer: true,
    secureContext: contextOf(o.identity),
    ALPNProtocols: [alpn],
    requestCert: true,
    rejectUnauthorized: false,
  });
  await handshake(socket, stream, 'secure', o.timeoutMs);
  const key = socket.getPeerX509Certificate()?.publicKey;
  if (key?.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw closed(socket, new SallyportError('peer_not_pinned', 'the Client presents no P-256 certificate'));
  }
  const peerJkt = await calculateJwkThumbprint(jwkOf(key));
  if (socket.destroyed) throw new SallyportError('peer_gone', 'closed right after the TLS handshake');
  return { socket, peerJkt };
}

function handshake(
  socket: tls.TLSSocket,
  stream: Duplex,
  done: 'secureConnect' | 'secure',
  timeoutMs: number,
): Promise<void> {
  if (stream instanceof Socket) stream.setNoDelay(true);
  // Errors come before 'close', and 'close' is what the tunnel watches; none may hit nobody meanwhile.
  socket.on('error', () => {});
  stream.on('error', () => {});
  return new Promise((resolve, reject) => {
    const fail = (error: SallyportError): void => {
      clearTimeout(timer);
      socket.destroy();
      stream.destroy();
      reject(error);
    };
    const onError = (cause: Error): void =>
      fail(new SallyportError(codeOfFailure(cause), `TLS handshake: ${cause.message}`, { cause }));
    const onClose = (): void => fail(new SallyportError('peer_gone', 'closed during the TLS handshake'));
    const timer = setTimeout(() => fail(new SallyportError('handshake_timeout')), timeoutMs);
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once(done, () => {
      clearTimeout(timer);
      socket.off('error', onError);
      socket.off('close', onClose);
      if (socket.alpnProtocol === alpn) return resolve();
      fail(new SallyportError('version_unsupported', `the peer does not speak ${alpn}`));
    });
  });
}

/** No common ALPN or TLS version is a matter of versions; what else breaks a handshake is the line. */
function codeOfFailure(error: NodeJS.ErrnoException): 'version_unsupported' | 'peer_gone' {
  return /ALPN|PROTOCOL/.test(error.code ?? '') ? 'version_unsupported' : 'peer_gone';
}

function closed(socket: tls.TLSSocket, error: SallyportError): SallyportError {
  socket.destroy();
  return error;
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Parsing a key pair costs a millisecond: once per identity. */
const contexts = new WeakMap<Identity, tls.SecureContext>();

function contextOf(identity: Identity): tls.SecureContext {
  let context = contexts.get(identity);
  if (context === undefined) {
    context = tls.createSecureContext({
      key: identity.privateKeyPem,
      cert: identity.certificatePem,
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
    });
    contexts.set(identity, context);
  }
  return context;
}
