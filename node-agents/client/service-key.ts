/**
 * Reads the Service Key from where the user keeps it (a path, `-` for stdin, `env:NAME`) and says in one
 * line what is wrong with it; a person's login on this device (`login.ts`) is read the same way. The key becomes a login in `session.ts`. Messages never quote the content:
 * what was pasted by mistake may be another secret.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { KeySource } from '#node-agents/process/config.ts';
import {
  type ServiceKeyFile,
  serviceKeyFile,
  type UserSessionFile,
  userSessionFile,
} from '#schema/control/service-key.ts';
import { refuse, type Verdict } from '#schema/errors.ts';

export interface ServiceKey {
  keyId: string;
  /** The Service Account; of a person's login, the user. */
  principal: string;
  /** The Tenant's URL without a final slash. */
  tenantUrl: string;
  privateKey: KeyObject;
  /** Milliseconds since the epoch; null for a key without an end. */
  expiresAt: number | null;
}

export type CredentialFile = ServiceKeyFile | UserSessionFile;
type KeyVerdict<T> = Verdict<T, 'key_file_missing' | 'key_file_invalid'>;

const maxBytes = 64 * 1024;

/** @param readInput everything on standard input. */
export async function loadServiceKey(
  source: KeySource,
  readInput: () => Promise<string>,
): Promise<KeyVerdict<{ key: ServiceKey; file: CredentialFile }>> {
  const read = await readSource(source, readInput);
  return read.ok ? parseServiceKey(read.text, nameOf(source)) : read;
}

/** @param name what to call the source in messages. */
export function parseServiceKey(
  text: string,
  name: string,
): KeyVerdict<{ key: ServiceKey; file: CredentialFile }> {
  const bad = (why: string) => refuse('key_file_invalid', `${name} ${why}`);
  const json = toJson(text);
  if (!json.ok) return bad(json.detail!);
  const isLogin = typeof json.value === 'object' && json.value !== null && 'user_id' in json.value;
  const parsed = (isLogin ? userSessionFile : serviceKeyFile).safeParse(json.value);
  if (!parsed.success) return bad(whyNotAKey(json.value));
  const file = parsed.data;
  const privateKey = toPrivateKey(file.private_key);
  if (!privateKey.ok) return bad(privateKey.detail!);
  const tenantUrl = toTenantUrl(file.network);
  if (tenantUrl === undefined) {
    return bad('has a `network` that is neither a URL nor a host name');
  }
  const expiresAt = file.expires_at === null ? null : Date.parse(file.expires_at);
  if (Number.isNaN(expiresAt)) return bad('has an `expires_at` that is not an RFC 3339 time');
  const principal = 'user_id' in file ? file.user_id : file.service_account_id;
  const key = { keyId: file.key_id, principal, tenantUrl, privateKey: privateKey.key, expiresAt };
  return { ok: true, key, file };
}

/** What to tell the user who may not have noticed; the Controller decides whether the key still works. */
export function expiryWarning(key: ServiceKey, nowMs: number): string | undefined {
  if (key.expiresAt === null || key.expiresAt > nowMs) return undefined;
  if (key.keyId.startsWith('uss_'))
    return `your login ended at ${new Date(key.expiresAt).toISOString()} by this machine’s clock: sallyportd login`;
  return `the Service Key ${key.keyId} expired at ${new Date(key.expiresAt).toISOString()} by this machine’s clock: create a new Service Key and replace the file`;
}

/** For `ControllerClient.login`. */
export const credentialsOf = ({ keyId, privateKey }: ServiceKey) => ({
  subject: keyId,
  assertionKey: privateKey.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']),
  /** By which an administrator tells the Clients of one key apart. */
  hostname: hostname(),
});

async function readSource(
  source: KeySource,
  readInput: () => Promise<string>,
): Promise<KeyVerdict<{ text: string }>> {
  if (source.from === 'env') {
    return source.text === undefined
      ? refuse(
          'key_file_missing',
          `the environment variable ${source.name} is not set: put the content of service_key.json into it`,
        )
      : { ok: true, text: source.text.reveal() };
  }
  try {
    return { ok: true, text: await (source.from === 'stdin' ? readInput() : readFile(source.path, 'utf8')) };
  } catch (error) {
    return refuse('key_file_missing', whyUnreadable(source, (error as NodeJS.ErrnoException).code));
  }
}

function whyUnreadable(source: KeySource, code = 'an unknown error'): string {
  const name = nameOf(source);
  if (code === 'ENOENT') return `there is no Service Key at ${name}`;
  if (code === 'EACCES' || code === 'EPERM') return `${name} may not be read by this user: chown or chmod it`;
  if (code === 'EISDIR') return `${name} is a directory: name the file in it`;
  return `${name} cannot be read (${code})`;
}

function nameOf(source: KeySource): string {
  if (source.from === 'file') return source.path;
  return source.from === 'stdin' ? 'the Service Key on stdin' : `the Service Key in env:${source.name}`;
}

/** JSON, or base64 (also of the URL alphabet, also wrapped) of JSON. */
function toJson(raw: string): Verdict<{ value: unknown }, 'key_file_invalid'> {
  const bad = (why: string) => refuse('key_file_invalid', why);
  const text = raw.replace(/^\uFEFF/, '').trim();
  if (text === '') return bad('is empty');
  if (text.length > maxBytes)
    return bad(`is larger than ${maxBytes} bytes and so no Service Key: check the path`);
  if (text.startsWith('-----BEGIN')) {
    return bad('is a PEM file, which is only one field of a Service Key: pass the whole service_key.json');
  }
  const plain = text.startsWith('{') ? text : decodeBase64(text);
  if (plain === undefined)
    return bad('is neither JSON nor base64 of JSON: pass service_key.json as it was downloaded');
  try {
    return { ok: true, value: JSON.parse(plain) };
  } catch {
    return bad(plain.endsWith('}') ? 'is not valid JSON' : `is cut off after ${plain.length} characters`);
  }
}

function decodeBase64(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/_\-\s]+=*\s*$/.test(text)) return undefined;
  const decoded = Buffer.from(text, 'base64').toString('utf8').trim();
  return decoded.startsWith('{') ? decoded : undefined;
}

function whyNotAKey(value: unknown): string {
  const fields = (value ?? {}) as Record<string, unknown>;
  const names = Object.keys(serviceKeyFile.shape) as (keyof ServiceKeyFile)[];
  if (!names.some((name) => name in fields))
    return 'is JSON, but no field of a Service Key is in it: check the path';
  const missing = names.filter((name) => !(name in fields));
  if (missing.length > 0) return `lacks ${missing.map((name) => `\`${name}\``).join(', ')}`;
  if (fields.version !== '1') return 'is of a version that this sallyportd does not know: update sallyportd';
  const pem = fields.private_key;
  if (typeof pem === 'string') {
    if (pem.includes('BEGIN PUBLIC KEY'))
      return 'holds a public key in `private_key`: the private one is needed to log in';
    if (pem.includes('BEGIN ENCRYPTED'))
      return 'holds an encrypted private key: decrypt it first (openssl pkcs8 -in KEY -out PLAIN)';
    if (pem.includes('BEGIN EC PRIVATE'))
      return 'holds a SEC1 key: convert it first (openssl pkcs8 -topk8 -nocrypt)';
    return 'holds no PKCS#8 PEM in `private_key`';
  }
  const wrong = names.find((name) => !serviceKeyFile.shape[name].safeParse(fields[name]).success);
  return `has a wrong value in \`${wrong}\``;
}

function toPrivateKey(pem: string): Verdict<{ key: KeyObject }, 'key_file_invalid'> {
  const bad = (why: string) => refuse('key_file_invalid', why);
  let key: KeyObject;
  try {
    // A shell or a template may have turned line ends into the two characters `\n`.
    key = createPrivateKey(pem.replaceAll('\\n', '\n'));
  } catch {
    return bad('holds a `private_key` that cannot be decoded: it is damaged or cut off');
  }
  if (key.asymmetricKeyType !== 'ec') {
    return bad(`holds a key of type ${key.asymmetricKeyType}: a Service Key is EC P-256`);
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  return curve === 'prime256v1'
    ? { ok: true, key }
    : bad(`holds a key on the curve ${curve}: a Service Key is EC P-256`);
}

/** `acme.example.com` means https; http is for a Controller on this machine and in tests. */
function toTenantUrl(network: string): string | undefined {
  const text = network.includes('://') ? network : `https://${network}`;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol) || url.search || url.hash || url.username) return undefined;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
