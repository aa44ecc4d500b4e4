/**
 * The kinds of values that flags take, from text: addresses to listen on, forwardings, URLs, secrets. Each
 * parser throws a `Malformed` that says what would be right and never repeats what was wrong when that might
 * be a secret.
 */
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { networkOf, type Prefix, parsePrefix } from '#schema/name/ip.ts';
import { inspect } from './node-util.ts';

/** `message` completes the sentence "<flag>: …". */
export class Malformed extends Error {}

export interface ListenAddress {
  host: string;
  /** 0 takes any free port. */
  port: number;
}

export interface Forward {
  protocol: 'tcp' | 'udp';
  listen: ListenAddress;
  /** A Resource's name or address and its port. */
  host: string;
  port: number;
}

/** Where a Service Key comes from; read again whenever the Client reloads it. */
export type KeySource =
  | { from: 'file'; path: string }
  | { from: 'stdin' }
  | { from: 'env'; name: string; text: Secret | undefined };

/** A secret that prints as `[secret]` wherever it is logged, joined to a text or inspected. */
export class Secret {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  reveal(): string {
    return this.#text;
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
  [inspect.custom](): string {
    return '[secret]';
  }
}

/** What values may refer to besides their own text. */
export interface Environment {
  readonly [name: string]: string | undefined;
}

export function listenAddress(text: string): ListenAddress {
  if (/^\d+$/.test(text)) return { host: '127.0.0.1', port: port(text, 0) };
  const { host, rest } = hostAndRest(text);
  if (host === '' || rest === undefined)
    throw new Malformed(`${quote(text)} is not ADDR:PORT; write for instance 127.0.0.1:9999`);
  return { host, port: port(rest, 0) };
}

export function forward(text: string): Forward {
  const [, protocol = 'tcp', rule = ''] = /^(?:(tcp|udp):)?(.*)$/s.exec(text) ?? [];
  const at = rule.indexOf('=');
  const target = hostAndRest(rule.slice(at + 1));
  if (at < 1 || target.host === '' || target.rest === undefined)
    throw new Malformed(
      `${quote(text)} is not [udp:][ADDR:]PORT=HOST:PORT; write for instance 5432=db.internal:5432`,
    );
  return {
    protocol: protocol as Forward['protocol'],
    listen: listenAddress(rule.slice(0, at)),
    host: target.host.toLowerCase(),
    port: port(target.rest),
  };
}

export function url(text: string): string {
  const full = text.includes('://') ? text : `https://${text}`;
  const parsed = URL.canParse(full) ? new URL(full) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username || parsed.search || parsed.hash)
    throw new Malformed('not a URL; write for instance https://acme.example.com');
  return parsed.origin + parsed.pathname.replace(/\/+$/, '');
}

export function port(text: string, lowest = 1): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (number < lowest || number > 65535) throw new Malformed(`${quote(text)} is not a port (1–65535)`);
  return number;
}

/** Whole seconds. */
export function seconds(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (number < lowest || number > highest)
      throw new Malformed(`${quote(text)} is not a number of seconds (${lowest}–${highest})`);
    return number;
  };
}

/** A whole number. */
export function whole(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (number < lowest || number > highest)
      throw new Malformed(`${quote(text)} is not a whole number (${lowest}–${highest})`);
    return number;
  };
}

export function oneOf<const T extends string>(...words: T[]): (text: string) => T {
  return (text) => {
    const word = words.find((one) => one === text.toLowerCase());
    if (word === undefined) throw new Malformed(`${quote(text)} is none of ${words.join(', ')}`);
    return word;
  };
}

export function onOff(text: string): boolean {
  return oneOf('on', 'off')(text) === 'on';
}

export function keySource(text: string, env: Environment): KeySource {
  if (text === '-') return { from: 'stdin' };
  if (!text.startsWith('env:')) return { from: 'file', path: text };
  const name = text.slice('env:'.length);
  const value = env[name];
  return { from: 'env', name, text: value ? new Secret(value) : undefined };
}

/** `env:NAME` and `file:PATH` keep a secret off the command line. */
export function secretReference(text: string, env: Environment): Secret {
  if (!/^(env|file):/.test(text)) throw new Malformed('write env:NAME or file:PATH, not the secret itself');
  return secretValue(text, env);
}

/** As `secretReference`, and the plain secret too: for what is handed over in the environment. */
export function secretValue(text: string, env: Environment): Secret {
  if (text.startsWith('env:')) {
    const value = env[text.slice('env:'.length)];
    if (!value) throw new Malformed(`the environment variable ${text.slice('env:'.length)} is not set`);
    return new Secret(value);
  }
  if (!text.startsWith('file:')) return new Secret(text);
  const path = text.slice('file:'.length);
  try {
    return new Secret(readFileSync(path, 'utf8').replace(/\r?\n$/, ''));
  } catch (error) {
    throw new Malformed(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

export function userAndPassword(text: string, env: Environment): Secret {
  const secret = secretReference(text, env);
  if (!/^[^:]+:./.test(secret.reveal()))
    throw new Malformed('what it refers to must have the form user:password');
  return secret;
}

/** KEY=VALUE, within what the Controller stores. */
export function label(text: string): readonly [string, string] {
  const [, key, value] = /^([A-Za-z0-9_.-]{1,64})=(.{0,256})$/.exec(text) ?? [];
  if (key === undefined || value === undefined)
    throw new Malformed(`${quote(text)} is not KEY=VALUE; write for instance site=berlin`);
  return [key, value];
}

/** An address of a resolver, port 53 unless given. */
export function resolver(text: string): string {
  const { host, rest } = hostAndRest(text);
  const bare = isIPv6(text) ? { host: text, rest: undefined } : { host, rest };
  const number = bare.rest === undefined ? 53 : port(bare.rest);
  if (!isIPv6(bare.host) && !/^\d+\.\d+\.\d+\.\d+$/.test(bare.host))
    throw new Malformed(`${quote(text)} is not the address of a resolver; write for instance 10.0.0.2:53`);
  return isIPv6(bare.host) ? `[${bare.host}]:${number}` : `${bare.host}:${number}`;
}

/** A network in CIDR notation. */
export function network(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined)
    throw new Malformed(`${quote(text)} is not a network; write for instance 192.168.1.0/24`);
  return networkOf(prefix);
}

export const path = (text: string): string => text;

/** `[::1]:80`, `host:80`, `host`. */
function hostAndRest(text: string): { host: string; rest: string | undefined } {
  const [, six, host, rest] = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]\s]*))(?::(.*))?$/.exec(text) ?? [];
  if (six !== undefined && !isIPv6(six)) return { host: '', rest: undefined };
  return { host: six ?? host ?? '', rest };
}

const quote = (text: string): string => `"${text.length > 80 ? `${text.slice(0, 80)}…` : text}"`;
