/**
 * Both parties of the relay contract, as small as they can be: whoever signs tokens, a Client, a Connector,
 * and the stream that a door opens. They know the wire (`schema/relay/wire.ts`) and nothing of our agents,
 * so that a mistake made on both sides of the product does not go unseen.
 */
import { randomBytes, webcrypto } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { calculateJwkThumbprint, exportJWK, type JSONWebKeySet } from 'jose';
import WebSocket from 'ws';
import { type PublicJwk, publicJwk } from '#schema/control/login.ts';
import { type ConnectorHash, connectorHashOf } from '#schema/ids.ts';
import { relayPaths, relayProtocol, type ToConnector } from '#schema/relay/wire.ts';
import { relayAudience } from '#schema/token/kinds.ts';
import { signProof } from '#schema/token/proof.ts';
import { signToken } from '#schema/token/sign.ts';
import { parseJson, RawStream, SocketStream, type Stream } from './relay-stream.ts';

export type Carrier = 'raw' | 'websocket';
export type Door = keyof typeof relayPaths;
export type Headers = Record<string, string>;

export interface Key {
  privateKey: webcrypto.CryptoKey;
  publicJwk: PublicJwk;
  jkt: string;
  hash: ConnectorHash;
}

export async function newKey(): Promise<Key> {
  const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const jwk = publicJwk.parse(await exportJWK(pair.publicKey));
  const spki = new Uint8Array(await webcrypto.subtle.exportKey('spki', pair.publicKey));
  return {
    privateKey: pair.privateKey,
    publicJwk: jwk,
    jkt: await calculateJwkThumbprint(jwk),
    hash: await connectorHashOf(spki),
  };
}

export const nonce = (): string => randomBytes(16).toString('base64url');
export const seconds = (): number => Math.floor(Date.now() / 1000);

/** A Tenant as a relay sees it: an issuer that signs, and a document with its keys. */
export interface Tenant {
  issuer: string;
  jwks: JSONWebKeySet;
  key: Key;
  /** How often the keys were asked for. */
  readonly asked: number;
  connectionToken(hash: string, jkt: string, more?: Partial<TokenTweaks>): Promise<string>;
  registrationToken(of: Key, more?: Partial<TokenTweaks>): Promise<string>;
  stop(): void;
}
interface TokenTweaks {
  aud: string;
  iat: number;
  exp: number;
  jti: string;
  iss: string;
  signedBy: Key;
  kid: string;
}

export async function newTenant(): Promise<Tenant> {
  const key = await newKey();
  const jwks = { keys: [{ ...key.publicJwk, kid: 'k1', alg: 'ES256', use: 'sig' }] };
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    const found = request.url === '/t/acme/.well-known/jwks.json';
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ? jwks : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const issuer = `http://127.0.0.1:${port}/t/acme`;
  const sign = <K extends 'connection' | 'registration'>(
    kind: K,
    claims: Parameters<typeof signToken<K>>[1],
    more: Partial<TokenTweaks>,
  ) => {
    const { signedBy = key, kid = 'k1', ...tweaks } = more;
    return signToken(kind, { ...claims, ...tweaks }, { privateKey: signedBy.privateKey, kid });
  };
  return {
    issuer,
    jwks,
    key,
    get asked(): number {
      return asked;
    },
    connectionToken(hash, jkt, more = {}) {
      const iat = more.iat ?? seconds();
      const claims = { iss: issuer, aud: hash, iat, exp: iat + 60, cnf: { jkt }, jti: nonce() };
      return sign('connection', claims, more);
    },
    registrationToken(of, more = {}) {
      const iat = more.iat ?? seconds();
      const { jkt, hash } = of;
      const claims = {
        iss: issuer,
        aud: relayAudience,
        sub: hash,
        iat,
        exp: iat + 3600,
        cnf: { jkt },
        jti: nonce(),
      };
      return sign('registration', claims, more);
    },
    stop: () => void server.close(),
  };
}

/** Headers for `register` and `connect`. */
export async function credentials(relay: string, door: Door, key: Key, token: string): Promise<Headers> {
  const url = relay + relayPaths[door];
  const proof = { method: 'GET', url, token, nowMs: Date.now(), jti: nonce() };
  return {
    authorization: `DPoP ${token}`,
    dpop: await signProof({ ...proof, privateKey: key.privateKey, publicJwk: key.publicJwk }),
  };
}

export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly type: string | undefined;
  constructor(status: number, body: string, type?: string) {
    const problem = parseJson(body);
    super(`${status} ${problem?.code ?? body}`);
    this.status = status;
    this.code = String(problem?.code ?? '');
    this.type = type;
  }
}

/** @throws Refused with what the relay answers. */
export function knock(relay: string, door: Door, carrier: Carrier, headers: Headers): Promise<Stream> {
  const url = relay + relayPaths[door];
  return carrier === 'raw'
    ? knockRaw(url, headers)
    : knockWebSocket(url, headers).then((w) => new SocketStream(w));
}

function knockRaw(url: string, headers: Headers): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url.replace(/^https/, 'http'), {
      createConnection: () => {
        const { hostname: host, port, protocol } = new URL(url);
        const options = { host, port: Number(port), allowHalfOpen: true };
        return protocol === 'https:'
          ? connectTls({ ...options, rejectUnauthorized: false })
          : connect(options);
      },
      headers: { ...headers, connection: 'Upgrade', upgrade: 'sallyport' },
    });
    request.on('upgrade', (_response, socket: Socket, head) => resolve(new RawStream(socket, head)));
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () =>
        reject(new Refused(response.statusCode!, body, response.headers['content-type'])),
      );
    });
    request.on('error', reject);
    request.end();
  });
}

function knockWebSocket(url: string, headers: Headers): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const webSocket = new WebSocket(url.replace(/^http/, 'ws'), [relayProtocol], {
      headers,
      perMessageDeflate: false,
      closeTimeout: 1_000,
      rejectUnauthorized: false,
      maxPayload: 64 * 1024 * 1024,
    } as WebSocket.ClientOptions);
    webSocket.on('unexpected-response', (_request, response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () =>
        reject(new Refused(response.statusCode!, body, response.headers['content-type'])),
      );
    });
    webSocket.on('error', reject);
    webSocket.on('open', () => {
      webSocket.off('error', reject);
      webSocket.pause(); // What follows at once must not go unheard: whoever listens resumes.
      resolve(webSocket);
    });
  });
}

/** A Connector's standing link. */
export class RegisterLink {
  readonly key: Key;
  readonly relay: string;
  readonly messages: ToConnector[] = [];
  readonly pongs: string[] = [];
  readonly webSocket: WebSocket;
  readonly closed: Promise<number>;
  #wake: () => void = () => {};
  /** Called for each Client that waits. */
  onIncoming: (session: string) => void = () => {};

  private constructor(relay: string, key: Key, webSocket: WebSocket) {
    this.key = key;
    this.relay = relay;
    this.webSocket = webSocket;
    this.closed = new Promise((resolve) => webSocket.on('close', resolve));
    webSocket.on('error', () => {});
    webSocket.on('message', (data) => {
      const message = parseJson(String(data));
      if (message === undefined) this.pongs.push(String(data));
      else this.messages.push(message as unknown as ToConnector);
      if (message?.type === 'incoming') this.onIncoming(message.session as string);
      this.#wake();
    });
    webSocket.resume();
  }

  static async open(relay: string, tenant: Tenant, key: Key): Promise<RegisterLink> {
    const headers = await credentials(relay, 'register', key, await tenant.registrationToken(key));
    const link = new RegisterLink(relay, key, await knockWebSocket(relay + relayPaths.register, headers));
    await link.until(() => link.messages.length > 0);
    return link;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  accept(session: string, carrier: Carrier): Promise<Stream> {
    const headers = { 'sallyport-session': session, 'sallyport-connector': this.key.hash };
    return knock(this.relay, 'accept', carrier, headers);
  }

  /** The next Client that waits, once it does. */
  nextIncoming(): Promise<string> {
    return new Promise((resolve) => {
      this.onIncoming = resolve;
    });
  }

  close(): void {
    this.webSocket.close(1000);
  }
}
