/**
 * The Controller over HTTPS, as `schema/control/login.ts` describes it: enrolment, login, connection tokens,
 * and the headers that authorise a request. Before it stands an agent's start; after it the control channel
 * (`control.ts`) and the dial to a relay (`relay/meet.ts`).
 */
import type { webcrypto } from 'node:crypto';
import {
  assertionType,
  connectionsAnswer,
  type EnrolAnswer,
  type EnrolRequest,
  enrolAnswer,
  paths,
  type TokenAnswer,
  tokenAnswer,
} from '#schema/control/login.ts';
import { SallyportError } from '#schema/errors.ts';
import { renewAfter, tokenKinds } from '#schema/token/kinds.ts';
import { signProof } from '#schema/token/proof.ts';
import { signToken } from '#schema/token/sign.ts';
import type { Log } from '../process/log.ts';
import { nonce, type Random } from '../process/random.ts';
import { version } from '../process/version.ts';
import type { ControllerClock } from './clock.ts';
import { exchange } from './exchange.ts';
import { answeredWith, readProblem, unreachable } from './failure.ts';
import type { Identity } from './identity.ts';
import type { Outward } from './outward.ts';

export interface ControllerOptions {
  /** The Tenant's URL; the deployment's for a relay. */
  url: string;
  identity: Identity;
  clock: ControllerClock;
  log: Log;
  random: Random;
  timeoutMs?: number;
  /** Ends whatever is under way. */
  signal?: AbortSignal;
  outward?: Outward | undefined;
}

export interface Credentials {
  /** Service Key, Connector or relay id. */
  subject: string;
  assertionKey: webcrypto.CryptoKey;
  /** Below the URL, when it is not `paths.token`. */
  path?: string;
  /** Told to administrators beside the instance. */
  hostname?: string;
}

interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false };
}

interface Call {
  method: 'POST';
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** An ACL of every Remote Network may be in one answer. */
const answerLimit = 16 * 1024 * 1024;

export class ControllerClient {
  /** Without a final slash. */
  readonly url: string;
  readonly #o: ControllerOptions;
  #access: { token: string; renewAtMs: number; expiresAtMs: number } | undefined;
  #credentials: Credentials | undefined;

  constructor(options: ControllerOptions) {
    this.#o = options;
    this.url = options.url.replace(/\/+$/, '');
    if (/^http:\/\/(?!127\.|localhost[:/]|\[::1\])/.test(`${this.url}/`))
      options.log.warn('controller_without_tls', { url: this.url });
  }

  /** Consumes a one-time enrolment token; from then on the identity's key stands for the agent. */
  async enrol(request: Omit<EnrolRequest, 'public_key'>): Promise<EnrolAnswer> {
    return this.#call(enrolAnswer, async () => ({
      method: 'POST',
      path: paths.enrol,
      headers: { 'content-type': 'application/json', dpop: await this.#proof('POST', paths.enrol) },
      body: JSON.stringify({ ...request, public_key: this.#o.identity.publicJwk }),
    }));
  }

  /** RFC 7523 client assertion plus RFC 9449 proof. A wrong clock is learnt and corrected on the way. */
  async login(credentials: Credentials): Promise<TokenAnswer> {
    const answer = await this.#call(tokenAnswer, () => this.#loginCall(credentials));
    const now = this.#o.clock.now();
    this.#credentials = credentials;
    this.#access = {
      token: answer.access_token,
      renewAtMs: now + answer.expires_in * 1000 * renewAfter,
      expiresAtMs: now + answer.expires_in * 1000,
    };
    return answer;
  }

  /** Whether a login is due: no access token yet, or one in the last third of its life. */
  get loginDue(): boolean {
    return this.#access === undefined || this.#o.clock.now() >= this.#access.renewAtMs;
  }

  /** The Controller did not accept the access token: the next use must log in first. */
  forgetAccess(): void {
    this.#access = undefined;
  }

  /** @returns Connector hash → connection token, for those that this Client may meet. */
  async connections(hashes: string[]): Promise<Record<string, string>> {
    const credentials = this.#credentials;
    const expired = this.#access !== undefined && this.#o.clock.now() >= this.#access.expiresAtMs;
    if (credentials && (expired || !this.#access)) await this.login(credentials);
    try {
      return await this.#connections(hashes);
    } catch (error) {
      if (!credentials || !isStaleAccess(error)) throw error;
      await this.login(credentials);
      return this.#connections(hashes);
    }
  }

  /** Headers for one request with the access token (RFC 9449 §7). Single use. */
  async authorize(method: string, url: string): Promise<Record<string, string>> {
    if (!this.#access) throw new SallyportError('unauthenticated', 'no access token yet; log in first');
    const { token } = this.#access;
    return { authorization: `DPoP ${token}`, dpop: await this.#proofFor(method, url, token) };
  }

  async #connections(connectors: string[]): Promise<Record<string, string>> {
    const answer = await this.#call(connectionsAnswer, async () => ({
      method: 'POST',
      path: paths.connections,
      headers: {
        'content-type': 'application/json',
        ...(await this.authorize('POST', this.url + paths.connections)),
      },
      body: JSON.stringify({ connectors }),
    }));
    return answer.connections;
  }

  async #loginCall({ subject, assertionKey, path = paths.token, hostname }: Credentials): Promise<Call> {
    const { clock, random } = this.#o;
    const iat = Math.floor(clock.now() / 1000);
    const audience = this.url + path;
    const claims = { iss: subject, sub: subject, aud: audience, jti: nonce(random), iat };
    const exp = iat + tokenKinds.clientAssertion.lifetime;
    const assertion = await signToken('clientAssertion', { ...claims, exp }, { privateKey: assertionKey });
    return {
      method: 'POST',
      path,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        dpop: await this.#proof('POST', path),
      },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: assertionType,
        client_assertion: assertion,
        version,
        ...(hostname !== undefined && { hostname }),
      }).toString(),
    };
  }

  #proof(method: string, path: string): Promise<string> {
    return this.#proofFor(method, this.url + path);
  }

  #proofFor(method: string, url: string, token?: string): Promise<string> {
    const { clock, random, identity } = this.#o;
    return signProof({
      method,
      url,
      ...(token !== undefined && { token }),
      nowMs: clock.now(),
      jti: nonce(random),
      privateKey: identity.cryptoKey,
      publicJwk: identity.publicJwk,
    });
  }

  /** Once more with the clock corrected, should the Controller say that it is wrong. */
  async #call<T>(schema: Schema<T>, make: () => Promise<Call>): Promise<T> {
    try {
      return await this.#send(schema, await make());
    } catch (error) {
      if (!(error instanceof SallyportError) || error.code !== 'clock_skew') throw error;
      this.#o.log.info('clock_offset_learnt', { offset_ms: this.#o.clock.offsetMs });
      return this.#send(schema, await make());
    }
  }

  async #send<T>(schema: Schema<T>, call: Call): Promise<T> {
    const { status, text, date } = await this.#exchange(call);
    if (status < 200 || status > 299) {
      const problem = readProblem(text);
      if (problem?.code === 'clock_skew') this.#o.clock.learn(problem.now ?? date);
      throw answeredWith('controller_unreachable', this.url, status, problem);
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw answeredWith('controller_unreachable', this.url, status, undefined);
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) {
      const { now } = value as { now?: unknown };
      if (typeof now === 'number') this.#o.clock.learn(now);
      return parsed.data;
    }
    throw new SallyportError('protocol_error', `${this.url}${call.path} gives an answer of another form`);
  }

  async #exchange({
    method,
    path,
    headers,
    body,
  }: Call): Promise<{ status: number; text: string; date: number }> {
    const { timeoutMs = 10_000, signal, outward, clock } = this.#o;
    try {
      const answer = await exchange(this.url + path, {
        ...{ method, body, timeoutMs, signal, limit: answerLimit, outward },
        headers: { accept: 'application/json', ...headers },
      });
      const date = Date.parse(answer.headers.date ?? '');
      return { status: answer.status, text: answer.text, date: Number.isNaN(date) ? clock.now() : date };
    } catch (error) {
      throw unreachable('controller_unreachable', this.url, error);
    }
  }
}

/** Whether a login may mend it: it will tell if the credential is dead or the token only old, and the time. */
export const isStaleAccess = (error: unknown): boolean =>
  error instanceof SallyportError && /^(token_|unauthenticated|proof_|clock_skew)/.test(error.code);
