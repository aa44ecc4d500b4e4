/**
 * Identifiers. Every id says what it names by its prefix (`res_…`, `key_…`), so that one of another kind
 * is refused by the type checker at home and by `isId` at the border. Two ids are not minted but computed:
 * the Connector ID (hash of its TLS key, `connectorIdOf`) and a key's thumbprint (RFC 7638, by jose).
 */

export const idPrefixes = {
  tenant: 'ten',
  remoteNetwork: 'net',
  connector: 'con',
  resource: 'res',
  serviceAccount: 'svc',
  serviceKey: 'key',
  user: 'usr',
  group: 'grp',
  grant: 'grt',
  apiToken: 'tok',
  instance: 'ins',
  relay: 'rel',
  connection: 'cnx',
  event: 'evt',
  auditEntry: 'aud',
  revocation: 'rvk',
  identityProvider: 'idp',
  policy: 'pol',
  consoleSession: 'ses',
  userSession: 'uss',
  scimToken: 'scm',
} as const;

export type Noun = keyof typeof idPrefixes;
export type Id<N extends Noun> = `${(typeof idPrefixes)[N]}_${string}`;
export type PrincipalId = Id<'serviceAccount'> | Id<'user'>;
/** What a Client logs in with: a machine by a Service Key, a person by a session of theirs on a device. */
export type CredentialId = Id<'serviceKey'> | Id<'userSession'>;

/** 26 characters of Crockford's base32 carry 128 bits and sort as their bytes do. */
const idBody = /^[0-9a-hjkmnp-tv-z]{26}$/;
const crockford = '0123456789abcdefghjkmnpqrstvwxyz';
const rfc4648 = 'abcdefghijklmnopqrstuvwxyz234567';

/** @param random 16 bytes: from the host's generator, or of a time-ordered kind where order helps an index. */
export function mintId<N extends Noun>(noun: N, random: Uint8Array): Id<N> {
  if (random.length !== 16) throw new RangeError('an id takes 16 random bytes');
  return `${idPrefixes[noun]}_${base32(random, crockford)}`;
}

/** The 16 bytes that `mintId` was given: how an id crosses a tunnel. @throws RangeError when it is no id. */
export function bytesOfId(id: string): Uint8Array<ArrayBuffer> {
  const body = id.slice(4);
  if (id[3] !== '_' || !idBody.test(body)) throw new RangeError('not an id');
  const bytes = new Uint8Array(16);
  let [held, bits, at] = [0, 0, 0];
  for (const character of body) {
    held = (held << 5) | crockford.indexOf(character);
    bits += 5;
    if (bits >= 8 && at < 16) {
      bytes[at++] = held >>> (bits - 8);
      bits -= 8;
    }
    held &= (1 << bits) - 1;
  }
  return bytes;
}

/** 16 bytes that sort by time: 6 bytes of milliseconds, 10 of randomness (the order of UUIDv7, RFC 9562 §5.7). */
export function timeOrdered(nowMs: number, random: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16);
  for (let i = 5, rest = nowMs; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  bytes.set(random.subarray(0, 10), 6);
  return bytes;
}

export function isId<N extends Noun>(noun: N, text: unknown): text is Id<N> {
  if (typeof text !== 'string') return false;
  const prefix = `${idPrefixes[noun]}_`;
  return text.startsWith(prefix) && idBody.test(text.slice(prefix.length));
}

/** The anonymous name of a Connector: base32 of the SHA-256 of its TLS public key. 52 lower-case characters. */
export type ConnectorHash = string & { readonly brand: 'ConnectorHash' };

/** @param spki DER SubjectPublicKeyInfo of the Connector's TLS key (RFC 5280 §4.1). */
export async function connectorHashOf(spki: Uint8Array<ArrayBuffer>): Promise<ConnectorHash> {
  return base32(new Uint8Array(await crypto.subtle.digest('SHA-256', spki)), rfc4648) as ConnectorHash;
}

export function isConnectorHash(text: unknown): text is ConnectorHash {
  return typeof text === 'string' && /^[a-z2-7]{52}$/.test(text);
}

function base32(bytes: Uint8Array, alphabet: string): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(held >>> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text;
}
