/**
 * Turns what Node says about a connection that could not be made, or an HTTP answer that is a refusal, into
 * one `SallyportError` with a sentence for people: which peer, and why. Used by every dial in this folder.
 */
import type { IncomingMessage } from 'node:http';
import { type ErrorCode, isErrorCode, SallyportError } from '#schema/errors.ts';

export type UnreachableCode = 'controller_unreachable' | 'relay_unreachable';

/** A body longer than this is no problem document. */
const problemLimit = 64 * 1024;

/** @param url of the peer; only its origin is told. */
export function unreachable(code: UnreachableCode, url: string, cause: unknown): SallyportError {
  return new SallyportError(code, `cannot reach ${new URL(url).origin}: ${reasonOf(cause)}`, { cause });
}

// biome-ignore format: a table reads best with one row a line
const reasons: Record<string, string> = {
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name does not resolve (the resolver does not answer)',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  UND_ERR_SOCKET: 'the connection was closed',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  ABORT_ERR: 'it does not answer in time',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  EADDRNOTAVAIL: 'there is no route to it',
  CERT_HAS_EXPIRED: 'its TLS certificate has expired, or this machine’s clock is wrong',
  CERT_NOT_YET_VALID: 'its TLS certificate is not valid yet, or this machine’s clock is wrong',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its TLS certificate is self-signed (add its CA with NODE_EXTRA_CA_CERTS)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its TLS certificate is not trusted (add its CA with NODE_EXTRA_CA_CERTS)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its TLS certificate is not trusted (add its CA with NODE_EXTRA_CA_CERTS)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its TLS certificate is not trusted (add its CA with NODE_EXTRA_CA_CERTS)',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on this port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS on this port',
  EPROTO: 'it does not speak TLS on this port',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP on this port',
};

/** The first cause in the chain that has a known code decides; else its message. */
function reasonOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    const { code, name, cause, errors } = at as Error & { code?: string; errors?: unknown[] };
    const known = reasons[String(code)] ?? (/^(Abort|Timeout)Error$/.test(name) ? reasons['ABORT_ERR'] : '');
    if (known) return known;
    at = cause ?? errors?.[0];
    if (at === undefined && code) return `it fails with ${code}`;
  }
  return error instanceof Error ? error.message : String(error);
}

export interface Problem {
  code: ErrorCode;
  detail?: string;
  /** The Controller's clock, where it tells. */
  now?: number;
}

/** RFC 9457 with our `code`; undefined for anything else, such as the page of a proxy in between. */
export function readProblem(body: string): Problem | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, detail, now } = value as Record<string, unknown>;
  if (typeof code !== 'string') return undefined;
  const text = typeof detail === 'string' ? detail : undefined;
  return {
    code: isErrorCode(code) ? code : 'unknown_error',
    ...(isErrorCode(code) ? text && { detail: text } : { detail: `${code}: ${text ?? 'no detail'}` }),
    ...(typeof now === 'number' && Number.isFinite(now) && { now }),
  };
}

/** The error for an HTTP answer that is none of ours or a refusal of ours. */
export function answeredWith(
  code: UnreachableCode,
  url: string,
  status: number,
  problem: Problem | undefined,
): SallyportError {
  if (problem) return new SallyportError(problem.code, problem.detail);
  const { origin } = new URL(url);
  if (status >= 500) return new SallyportError('unavailable', `${origin} answers with status ${status}`);
  return new SallyportError(code, `${origin} answers with status ${status}, not as Sallyport does`);
}

/** Reads the answer to an upgrade that was refused. Never rejects. */
export async function refusalOf(
  response: IncomingMessage,
  code: UnreachableCode,
  url: string,
): Promise<SallyportError> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > problemLimit) break;
      chunks.push(chunk);
    }
  } catch {
    // What arrived before it broke off may still say why.
  }
  response.destroy();
  return answeredWith(code, url, response.statusCode ?? 0, readProblem(Buffer.concat(chunks).toString()));
}

export function timedOut(): Error {
  return Object.assign(new Error('timed out'), { code: 'ABORT_ERR' });
}
