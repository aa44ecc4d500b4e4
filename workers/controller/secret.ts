/**
 * Secrets that the Controller hands out once and keeps as a hash: API tokens (`spt_…`), enrolment tokens
 * (`spe_…`), SCIM tokens (`sps_…`), console sessions (`spc_…`), setup codes (`spu_…`), and what
 * a login hands on (`spl_…`). Each has 256 bits of its own, so a fast hash is enough and a lookup by it tells an attacker
 * nothing; comparison is constant-time all the same.
 */
import type { Ports } from './ports.ts';

export type SecretKind = 'spt' | 'spe' | 'sps' | 'spc' | 'spl' | 'spu';

/** @returns the secret, to be shown once, and the hash, to be kept. */
export async function mintSecret(
  { random }: Pick<Ports, 'random'>,
  kind: SecretKind,
): Promise<{ secret: string; hash: string }> {
  const secret = `${kind}_${base64url(random(32))}`;
  return { secret, hash: await hashOf(secret) };
}

/** Whether the text could be such a secret at all: anything else is refused without a look at the tables. */
export const isSecret = (kind: SecretKind, text: string): boolean =>
  text.startsWith(`${kind}_`) && /^[A-Za-z0-9_-]{43}$/.test(text.slice(kind.length + 1));

/** SHA-256 of the whole secret with its prefix, base64url. */
export async function hashOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret));
  return base64url(new Uint8Array(digest));
}

/** Takes the same time wherever two texts of one length differ. */
export function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

export const base64url = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** @throws DOMException when the text is not base64url. */
export const fromBase64url = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
