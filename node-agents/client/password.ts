/**
 * The optional password of the Client's own listeners: `Proxy-Authorization: Basic` (RFC 7617) on the HTTP
 * proxy, RFC 1929 on SOCKS. Compared in constant time, by digest, so that not even its length shows.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export interface ProxyCredentials {
  user: string;
  password: string;
}

export function credentialsMatch(wanted: ProxyCredentials, user: string, password: string): boolean {
  // Both are always compared: which of the two was wrong must not show either.
  const userMatches = timingSafeEqual(digest(user), digest(wanted.user));
  const passwordMatches = timingSafeEqual(digest(password), digest(wanted.password));
  return userMatches && passwordMatches;
}

/** @param header value of `Proxy-Authorization`. */
export function basicMatches(wanted: ProxyCredentials, header: string | undefined): boolean {
  const token = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(header ?? '')?.[1];
  if (token === undefined) return false;
  const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(token, 'base64').toString('utf8')) ?? [];
  return user !== undefined && password !== undefined && credentialsMatch(wanted, user, password);
}

/** `user:password`, as in curl. */
export function parseCredentials(text: string): ProxyCredentials | undefined {
  const colon = text.indexOf(':');
  return colon > 0 ? { user: text.slice(0, colon), password: text.slice(colon + 1) } : undefined;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
