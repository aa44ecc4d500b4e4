/** The edge relay's door asks for an object near the Connector, and lets nobody else choose the place. */
import { createLocalJWKSet } from 'jose';
import { afterAll, expect, test } from 'vitest';
import { relayPaths, relayProtocol } from '#schema/relay/wire.ts';
import { type EdgeRelay, relayFetch } from '#workers/relay/door.ts';
import { credentials, type Door, newKey, newTenant } from './relay-parties.ts';

const tenant = await newTenant();
afterAll(() => tenant.stop());
const url = 'https://relay.example';

test('by a hint from where it registers; a Client gives none', async () => {
  const asked: unknown[] = [];
  const relay = {
    url,
    clock: () => Date.now(),
    log: () => {},
    issuers: { allowed: () => true, keysOf: async () => createLocalJWKSet(tenant.jwks) },
    objects: {
      getByName: (name: string, options?: object) => {
        asked.push([name, options]);
        return { fetch: async () => new Response('seated') };
      },
    },
  } as unknown as EdgeRelay;
  const knock = async (door: Door, headers: Record<string, string>, cf: object) => {
    const upgrade = { upgrade: 'websocket', connection: 'upgrade', 'sec-websocket-protocol': relayProtocol };
    const request = new Request(url + relayPaths[door]);
    const given: Record<string, string> = { ...headers, ...upgrade };
    // The fetch standard lets nobody name these in a request; a server is given them.
    const read = { get: (name: string) => given[name] ?? null };
    const seen = new Proxy(request, {
      get: (of, key) => (key === 'cf' ? cf : key === 'headers' ? read : Reflect.get(of, key, of)),
    });
    return relayFetch(seen as never, relay);
  };
  const [connector, client] = [await newKey(), await newKey()];
  const registration = await tenant.registrationToken(connector);
  const dubai = { continent: 'AS', latitude: '25.2', longitude: '55.3' };
  const registered = await knock(
    'register',
    await credentials(url, 'register', connector, registration),
    dubai,
  );
  expect(await registered?.text()).toBe('seated');
  const connection = await tenant.connectionToken(connector.hash, client.jkt);
  const connected = await knock('connect', await credentials(url, 'connect', client, connection), {
    continent: 'EU',
  });
  expect(await connected?.text()).toBe('seated');
  expect(asked).toEqual([
    [connector.hash, { locationHint: 'me' }],
    [connector.hash, undefined],
  ]);
});
