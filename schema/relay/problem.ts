/**
 * A relay's refusal as both hosts send it: a problem document (RFC 9457). It tells the code alone; why a
 * token was not accepted is for the log.
 */
import { type ErrorCode, type ErrorKind, errors } from '#schema/errors.ts';

export interface Problem {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** @param nowMs told to agents whose clock may be off, so that they learn the difference. */
export function problemOf(code: ErrorCode, nowMs: number): Problem {
  const { status, title, retry, remedy }: ErrorKind = errors[code];
  const document = { type: `urn:sallyport:problem:${code}`, title, status, code, retry, remedy };
  const aboutTime = code === 'clock_skew' || code === 'token_expired';
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(status === 401 && { 'www-authenticate': 'DPoP algs="ES256"' }),
      ...(status === 405 && { allow: 'GET' }),
      ...(status === 426 && { upgrade: 'sallyport, websocket', connection: 'upgrade' }),
    },
    body: JSON.stringify(aboutTime ? { ...document, now: nowMs } : document),
  };
}
