import { expect, test } from 'vitest';
import { ConnectionTokens } from '#node-agents/client/connection-tokens.ts';

function tokens(answer: (hashes: string[]) => Record<string, string>) {
  const asked: string[][] = [];
  const clock = { now: 0 };
  const fetch = async (hashes: string[]) => {
    asked.push(hashes);
    return answer(hashes);
  };
  return { asked, clock, tokens: new ConnectionTokens(fetch, () => clock.now) };
}

const forAll = (hashes: string[]) => Object.fromEntries(hashes.map((hash) => [hash, `fresh ${hash}`]));

test('those of the login are used first, each once, and only while they are young', async () => {
  const t = tokens(forAll);
  t.tokens.offer({ a: 'login a', b: 'login b' }, 60_000);
  expect(await t.tokens.take('a')).toBe('login a');
  expect(await t.tokens.take('a')).toBe('fresh a');
  t.clock.now = 50_000;
  expect(await t.tokens.take('b')).toBe('fresh b');
});

test('links that want one at the same time share a request', async () => {
  const t = tokens(forAll);
  expect(await Promise.all(['a', 'b', 'c'].map((hash) => t.tokens.take(hash)))).toEqual([
    'fresh a',
    'fresh b',
    'fresh c',
  ]);
  expect(t.asked).toEqual([['a', 'b', 'c']]);
});

test('a Connector that the Controller gives none for is offline for this Client', async () => {
  await expect(tokens(() => ({})).tokens.take('a')).rejects.toMatchObject({ code: 'connector_offline' });
});
