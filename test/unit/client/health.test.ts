/** Proves node-agents/client/http/health.ts behind a proxy password: probes need none, names of Resources do. */
import { get, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerHealth } from '#node-agents/client/http/health.ts';
import { createHttpProxy } from '#node-agents/client/http-proxy.ts';
import { refuse } from '#schema/errors.ts';
import { listening, standIn } from './stand-in.ts';

const credentials = { user: 'app', password: 'open sesame' };
const health = {
  whyNotReady: () => undefined,
  whyNotReachable: async (name: string) => (name === 'db.internal' ? undefined : refuse('not_a_resource')),
};
const proxies: Server[] = [];
const serve = async (more: object): Promise<string> => {
  const proxy = createHttpProxy({
    open: standIn().open,
    ...more,
    local: (request, response, authorized) => void answerHealth(health, request, response, authorized),
  });
  proxies.push(proxy);
  return `http://127.0.0.1:${await listening(proxy)}`;
};
let guarded: string;
let open: string;
beforeAll(async () => {
  guarded = await serve({ credentials });
  open = await serve({});
});
afterAll(() => {
  for (const proxy of proxies) proxy.close();
});

const status = (url: string, password?: string): Promise<number | undefined> => {
  const basic = `Basic ${Buffer.from(`app:${password}`).toString('base64')}`;
  const headers = password === undefined ? {} : { 'proxy-authorization': basic };
  // Not `fetch`, which takes a 407 for its own proxy's.
  return new Promise((done, fail) => {
    const asked = get(url, { headers, agent: false }, (response) => done(response.resume().statusCode));
    asked.on('error', fail);
  });
};

test('without the password a name is neither confirmed nor denied', async () => {
  for (const name of ['db.internal', 'nothing.internal', '']) {
    expect(await status(`${guarded}/readyz?resource=${name}`)).toBe(407);
    expect(await status(`${guarded}/readyz?resource=${name}`, 'wrong')).toBe(407);
  }
});

test('with it, or where there is none, names are answered', async () => {
  expect(await status(`${guarded}/readyz?resource=db.internal`, 'open sesame')).toBe(200);
  expect(await status(`${guarded}/readyz?resource=nothing.internal`, 'open sesame')).toBe(403);
  expect(await status(`${open}/readyz?resource=db.internal`)).toBe(200);
});

test('whether the process works and is ready, anybody may ask', async () => {
  expect(await status(`${guarded}/livez`)).toBe(200);
  expect(await status(`${guarded}/readyz`)).toBe(200);
});
