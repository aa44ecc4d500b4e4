/**
 * An agent as small as it can be: a key pair, and the requests of `schema/control/login.ts` made by hand, so
 * that tests can also make them wrong. Knows nothing of the product's own agents.
 */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { WebSocket } from 'ws';
import { assertionType, type PublicJwk, paths, type TokenAnswer } from '#schema/control/login.ts';
import { controlProtocol } from '#schema/control/messages.ts';
import { signProof } from '#schema/token/proof.ts';

export interface KeyPair {
  privateKey: CryptoKey;
  publicJwk: PublicJwk;
}

export async function makeKeyPair(): Promise<KeyPair> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const { kty, crv, x, y } = (await exportJWK(publicKey)) as PublicJwk;
  return { privateKey, publicJwk: { kty, crv, x, y } };
}

export const nonce = (): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');

// biome-ignore lint/suspicious/noExplicitAny: tests read fields of many answers; a wrong name fails the test itself
export type Answered = { status: number; body: any; headers: Headers };

export interface AssertionChanges {
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  signWith?: CryptoKey;
  /** Milliseconds by which the agent's clock is wrong. */
  clockOffMs?: number;
}

export class FakeAgent {
  /** The Tenant's URL, or the deployment's. */
  readonly url: string;
  /** Service Key, Connector or relay id. */
  readonly subject: string;
  /** Signs assertions. */
  readonly own: KeyPair;
  /** Signs proofs. */
  readonly instance: KeyPair;
  answer: TokenAnswer | undefined;

  constructor(url: string, subject: string, own: KeyPair, instance: KeyPair) {
    this.url = url;
    this.subject = subject;
    this.own = own;
    this.instance = instance;
  }

  static async client(url: string, keyId: string, own: KeyPair): Promise<FakeAgent> {
    return new FakeAgent(url, keyId, own, await makeKeyPair());
  }

  /** A Connector or relay that enrols with the token. */
  static async enrol(url: string, token: string): Promise<FakeAgent> {
    const key = await makeKeyPair();
    const { status, body } = await enrol(url, token, key);
    if (status !== 201) throw new Error(`enrolment failed: ${JSON.stringify(body)}`);
    return new FakeAgent(url, body.id, key, key);
  }

  async assertion(change: AssertionChanges = {}): Promise<string> {
    const iat = Math.floor((Date.now() + (change.clockOffMs ?? 0)) / 1000);
    const aud = this.url + paths.token;
    const claims = {
      iss: this.subject,
      sub: this.subject,
      aud,
      jti: nonce(),
      iat,
      exp: iat + 60,
      ...change.claims,
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'client-authentication+jwt', ...change.header })
      .sign(change.signWith ?? this.own.privateKey);
  }

  async proof(
    method: string,
    path: string,
    o: { token?: string; clockOffMs?: number } = {},
  ): Promise<string> {
    return signProof({
      method,
      url: this.url + path,
      nowMs: Date.now() + (o.clockOffMs ?? 0),
      jti: nonce(),
      ...this.instance,
      ...(o.token !== undefined && { token: o.token }),
    });
  }

  async login(change: AssertionChanges & { assertion?: string; proof?: string; form?: object } = {}) {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: assertionType,
      client_assertion: change.assertion ?? (await this.assertion(change)),
      ...change.form,
    });
    const dpop = change.proof ?? (await this.proof('POST', paths.token, change));
    const answered = await read(
      await fetch(this.url + paths.token, { method: 'POST', body, headers: { dpop } }),
    );
    if (answered.status === 200) this.answer = answered.body;
    return answered;
  }

  async authorization(method: string, path: string): Promise<Record<string, string>> {
    if (!this.answer) throw new Error('log in first');
    const { access_token: token } = this.answer;
    return { authorization: `DPoP ${token}`, dpop: await this.proof(method, path, { token }) };
  }

  async connections(hashes: string[]): Promise<Answered> {
    const headers = {
      'content-type': 'application/json',
      ...(await this.authorization('POST', paths.connections)),
    };
    const body = JSON.stringify({ connectors: hashes });
    return read(await fetch(this.url + paths.connections, { method: 'POST', headers, body }));
  }

  /** The control channel, logged in first if need be; resolves when it is open. */
  async channel(): Promise<FakeChannel> {
    if (!this.answer) {
      const { status, body } = await this.login();
      if (status !== 200) throw new Error(`login failed: ${JSON.stringify(body)}`);
    }
    const headers = await this.authorization('GET', paths.channel);
    const url = this.url.replace(/^http/, 'ws') + paths.channel;
    const socket = new WebSocket(url, [controlProtocol], { headers, perMessageDeflate: false });
    return FakeChannel.over(socket);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: see above
export type Message = any;

/** Keeps what the Controller says until a test asks for it. */
export class FakeChannel {
  readonly socket: WebSocket;
  readonly received: Message[] = [];
  readonly closed: Promise<number>;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      const text = String(data);
      this.received.push(text === 'pong' ? { type: 'pong' } : JSON.parse(text));
      for (const wake of this.#waiting) wake();
    });
    this.closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
  }

  static over(socket: WebSocket): Promise<FakeChannel> {
    const channel = new FakeChannel(socket);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(channel));
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, response) => {
        let text = '';
        response.on('data', (part) => {
          text += part;
        });
        response.on('end', () => reject(new Error(`${response.statusCode} ${text}`)));
      });
    });
  }

  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  hello(more: object = {}): void {
    this.send({ type: 'hello', capability: 1, version: '0.1.0', ...more });
  }

  /** Takes the first message that fits, waiting for it if need be. */
  async take(fits: string | ((message: Message) => boolean), withinMs = 5_000): Promise<Message> {
    const wanted = typeof fits === 'string' ? (message: Message) => message.type === fits : fits;
    const deadline = Date.now() + withinMs;
    for (;;) {
      const at = this.received.findIndex(wanted);
      if (at >= 0) return this.received.splice(at, 1)[0];
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`no ${fits} within ${withinMs} ms; got ${JSON.stringify(this.received)}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, left);
        this.#waiting.add(wake);
      });
    }
  }

  async close(): Promise<void> {
    this.socket.close(1000);
    await this.closed;
  }
}

export async function enrol(url: string, token: string, key: KeyPair, more: object = {}): Promise<Answered> {
  const proof = await signProof({
    method: 'POST',
    url: url + paths.enrol,
    nowMs: Date.now(),
    jti: nonce(),
    ...key,
  });
  const body = JSON.stringify({
    token,
    public_key: key.publicJwk,
    version: '0.1.0',
    hostname: 'host-1',
    ...more,
  });
  const headers = { 'content-type': 'application/json', dpop: proof };
  return read(await fetch(url + paths.enrol, { method: 'POST', headers, body }));
}

export async function read(response: Response): Promise<Answered> {
  const text = await response.text();
  return {
    status: response.status,
    body: text === '' ? undefined : JSON.parse(text),
    headers: response.headers,
  };
}
