/** The keys of those who sign tokens: whom a relay asks, how often, and what it does when nobody answers. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createLog } from '#node-agents/process/log.ts';
import { KeySource } from '#node-agents/relay/jwks.ts';
import { signToken } from '#schema/token/sign.ts';
import { verifyToken } from '#schema/token/verify.ts';
import { type Key, newKey } from '../../contract/relay-parties.ts';

const base = 'https://controller.example';
const issuer = `${base}/t/acme`;
let now: number;
let asked: string[];
let answer: () => Promise<string>;
let key: Key;
let source: KeySource;

const setOf = (...keys: [string, Key][]) =>
  JSON.stringify({ keys: keys.map(([kid, { publicJwk }]) => ({ ...publicJwk, kid, alg: 'ES256' })) });

beforeEach(async () => {
  now = 1_800_000_000_000;
  asked = [];
  key = await newKey();
  answer = async () => setOf(['k1', key]);
  source = new KeySource({
    issuers: [base, 'https://vpn.acme.example'],
    now: () => now,
    log: createLog({ level: 'error' }),
    fetchText: (url) => {
      asked.push(url);
      return answer();
    },
  });
});

async function verifies(kid = 'k1', by = key): Promise<boolean> {
  const iat = Math.floor(now / 1000);
  const claims = { iss: issuer, aud: 'x', iat, exp: iat + 60, cnf: { jkt: by.jkt }, jti: 'j' };
  const token = await signToken('connection', claims, { privateKey: by.privateKey, kid });
  const verdict = await verifyToken('connection', token, { keys: await source.keysOf(issuer), nowMs: now });
  return verdict.ok;
}

describe('an issuer', () => {
  test('must lie below the Controller or be named', () => {
    for (const good of [issuer, base, 'https://vpn.acme.example']) expect(source.allowed(good)).toBe(true);
    for (const bad of [
      'https://controller.example.evil.net/t/acme',
      'https://controller.example@evil.net/',
      'http://controller.example/t/acme',
      `${base}/t/../../etc`,
      `${base}/t/acme?x`,
      `${base}/t/acme#x`,
      `${base}/%2e%2e/x`,
      'https://acme.example',
      'nonsense',
      '',
    ]) {
      expect(source.allowed(bad), bad).toBe(false);
    }
  });

  test('is asked below its own URL, and once for many tokens', async () => {
    expect(await verifies()).toBe(true);
    expect(await verifies()).toBe(true);
    expect(asked).toEqual([`${issuer}/.well-known/jwks.json`]);
  });

  test('is asked once by all who wait', async () => {
    expect(await Promise.all([verifies(), verifies(), verifies()])).toEqual([true, true, true]);
    expect(asked.length).toBe(1);
  });
});

describe('an unknown kid', () => {
  test('makes it ask again, but not before the cool-down is over', async () => {
    await verifies();
    const next = await newKey();
    answer = async () => setOf(['k1', key], ['k2', next]);
    expect(await verifies('k2', next)).toBe(false);
    expect(asked.length).toBe(1);
    now += 10_000;
    expect(await verifies('k2', next)).toBe(true);
    expect(asked.length).toBe(2);
    for (let i = 0; i < 50; i++) expect(await verifies(`made-up-${i}`)).toBe(false);
    expect(asked.length).toBe(2);
  });
});

describe('when the Controller does not answer', () => {
  test('keys that are kept go on to count for a while', async () => {
    await verifies();
    answer = () => Promise.reject(new Error('no route'));
    now += 120_000;
    expect(await verifies()).toBe(true);
  });

  test('nothing is known: the refusal says that it can be tried again', async () => {
    answer = () => Promise.reject(new Error('no route'));
    await expect(source.keysOf(issuer)).rejects.toMatchObject({ code: 'controller_unreachable' });
  });

  test('a key that the Controller has dropped no longer counts once it answers', async () => {
    await verifies();
    answer = async () => setOf(['k2', await newKey()]);
    now += 700_000;
    expect(await verifies()).toBe(false);
  });
});

test('made-up Tenants do not push known ones out, nor are many asked after at once', async () => {
  await verifies();
  let waiting = 0;
  answer = () => {
    waiting++;
    return new Promise(() => {});
  };
  const outcomes: Promise<unknown>[] = [];
  for (let i = 0; i < 100; i++)
    outcomes.push(source.keysOf(`${base}/t/made-up-${i}`).catch((error) => error.code));
  expect(waiting).toBeLessThanOrEqual(16);
  expect(await outcomes.at(-1)).toBe('limit_reached');
  expect(await verifies()).toBe(true);
});
