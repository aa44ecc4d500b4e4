import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ControllerClock } from '#node-agents/link/clock.ts';
import { ControllerClient } from '#node-agents/link/controller.ts';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { verifyProof } from '#schema/token/proof.ts';
import { verifyToken } from '#schema/token/verify.ts';
import { deadUrl, quietLog, random, refusedWith, sendProblem, startPeer, stopPeers } from './peers.ts';

let identity: Identity;
let key: Identity;
beforeAll(async () => {
  [identity, key] = await Promise.all([createIdentity(), createIdentity()]);
});
afterEach(stopPeers);

const tenMinutes = 600_000;

function clientOf(url: string, more: { real?: () => number; timeoutMs?: number } = {}) {
  const clock = new ControllerClock(more.real ?? Date.now);
  const { log, lines } = quietLog();
  const timeoutMs = more.timeoutMs ?? 5_000;
  return { client: new ControllerClient({ url, identity, clock, log, random, timeoutMs }), clock, lines };
}

const credentials = () => ({ subject: 'key_1', assertionKey: key.cryptoKey });

const tokenAnswer = (more: object = {}) =>
  JSON.stringify({
    access_token: 'the.access.token',
    token_type: 'DPoP',
    expires_in: 3600,
    now: Date.now(),
    relays: [],
    ...more,
  });

/** Checks a login as the Controller does; answers `clock_skew` when its own clock says so. */
function controller(seen: { logins: number; jtis: Set<string> } = { logins: 0, jtis: new Set() }) {
  return async (request: IncomingMessage, body: string, response: ServerResponse) => {
    const url = `http://${request.headers.host}${request.url}`;
    const nowMs = Date.now();
    const form = new URLSearchParams(body);
    const assertion = await verifyToken('clientAssertion', form.get('client_assertion') ?? '', {
      keys: await publicKeyOf(key),
      audience: url,
      nowMs,
    });
    const proof = await verifyProof(String(request.headers['dpop']), { method: 'POST', url, nowMs });
    seen.logins++;
    if (!assertion.ok || !proof.ok) {
      return sendProblem(response, 'clock_skew', { now: nowMs });
    }
    expect(seen.jtis.has(assertion.claims.jti), 'a jti is used once').toBe(false);
    seen.jtis.add(assertion.claims.jti);
    expect(proof.jkt).toBe(identity.jkt);
    expect(form.get('grant_type')).toBe('client_credentials');
    response.end(tokenAnswer());
  };
}

async function publicKeyOf({ publicJwk }: Identity) {
  const usage = { name: 'ECDSA', namedCurve: 'P-256' };
  return crypto.subtle.importKey('jwk', publicJwk, usage, true, ['verify']);
}

describe('login', () => {
  test('proves both the Service Key and the instance key', async () => {
    const seen = { logins: 0, jtis: new Set<string>() };
    const { url } = await startPeer({ request: controller(seen) });
    const { client } = clientOf(`${url}/t/acme`);
    expect(client.loginDue).toBe(true);
    expect((await client.login(credentials())).access_token).toBe('the.access.token');
    expect(client.loginDue).toBe(false);
    expect(seen.logins).toBe(1);
  });

  for (const [name, offset] of [
    ['behind', -tenMinutes],
    ['ahead', tenMinutes],
  ] as const) {
    test(`succeeds at the second attempt when the clock is ten minutes ${name}`, async () => {
      const seen = { logins: 0, jtis: new Set<string>() };
      const { url } = await startPeer({ request: controller(seen) });
      const { client, clock } = clientOf(url, { real: () => Date.now() + offset });
      await client.login(credentials());
      expect(seen.logins).toBe(2);
      expect(Math.abs(clock.offsetMs + offset)).toBeLessThan(3_000);
    });
  }

  test('gives up after one correction of the clock', async () => {
    let calls = 0;
    const { url } = await startPeer({
      request: (_, __, response) => {
        calls++;
        sendProblem(response, 'clock_skew', { now: Date.now() });
      },
    });
    const error = await refusedWith(clientOf(url).client.login(credentials()));
    expect(error.code).toBe('clock_skew');
    expect(calls).toBe(2);
  });

  test('reports the Controller’s refusal by its code', async () => {
    const { url } = await startPeer({
      request: (_, __, response) => sendProblem(response, 'key_revoked', { detail: 'key_1 was revoked' }),
    });
    const error = await refusedWith(clientOf(url).client.login(credentials()));
    expect(error).toMatchObject({ code: 'key_revoked', message: 'key_1 was revoked', permanent: true });
  });

  test('survives a code that only a newer Controller knows', async () => {
    const { url } = await startPeer({
      request: (_, __, response) => response.writeHead(403).end('{"code":"from_the_future"}'),
    });
    const error = await refusedWith(clientOf(url).client.login(credentials()));
    expect(error.code).toBe('unknown_error');
    expect(error.message).toContain('from_the_future');
  });

  test('never writes a token into the log', async () => {
    const { url } = await startPeer({ request: controller() });
    const { client, lines } = clientOf(url, { real: () => Date.now() - tenMinutes });
    await client.login(credentials());
    expect(lines.join('')).not.toContain('the.access.token');
  });
});

describe('a request with the access token', () => {
  test('asks for connection tokens with a proof bound to it', async () => {
    const { url } = await startPeer({
      async request(request, body, response) {
        if (request.url === '/oauth/token') return response.end(tokenAnswer());
        const token = 'the.access.token';
        expect(request.headers.authorization).toBe(`DPoP ${token}`);
        const expected = { method: 'POST', url: `${url}/api/v1/connections`, token, nowMs: Date.now() };
        const proof = await verifyProof(String(request.headers['dpop']), { ...expected, jkt: identity.jkt });
        expect(proof.ok).toBe(true);
        const [hash] = JSON.parse(body).connectors;
        response.end(JSON.stringify({ connections: { [hash]: 'a.connection.token' }, now: Date.now() }));
      },
    });
    const { client } = clientOf(url);
    await client.login(credentials());
    expect(await client.connections(['hash'])).toEqual({ hash: 'a.connection.token' });
  });

  test('is not possible before the first login', async () => {
    const { client } = clientOf('http://127.0.0.1:1');
    expect((await refusedWith(client.authorize('GET', 'http://127.0.0.1:1/x'))).code).toBe('unauthenticated');
  });

  test('logs in again by itself once the access token has expired', async () => {
    let logins = 0;
    let real = Date.now();
    const { url } = await startPeer({
      request(request, _, response) {
        if (request.url !== '/oauth/token') {
          return response.end(JSON.stringify({ connections: {}, now: real }));
        }
        logins++;
        response.end(tokenAnswer({ now: real }));
      },
    });
    const { client } = clientOf(url, { real: () => real });
    await client.login(credentials());
    real += 2_500_000;
    expect(client.loginDue).toBe(true);
    await client.connections(['hash']);
    expect(logins).toBe(1);
    real += 2_500_000;
    await client.connections(['hash']);
    expect(logins).toBe(2);
  });
});

test('an access token that is no longer accepted is replaced once', async () => {
  let logins = 0;
  const { url } = await startPeer({
    request(request, _, response) {
      if (request.url === '/oauth/token') {
        logins++;
        return response.end(tokenAnswer({ access_token: `access.${logins}` }));
      }
      if (request.headers.authorization === 'DPoP access.1') return sendProblem(response, 'token_invalid');
      response.end(JSON.stringify({ connections: { hash: 'token' }, now: Date.now() }));
    },
  });
  const { client } = clientOf(url);
  await client.login(credentials());
  expect(await client.connections(['hash'])).toEqual({ hash: 'token' });
  expect(logins).toBe(2);
});

test('enrols the identity’s own key', async () => {
  const { url } = await startPeer({
    async request(request, body, response) {
      const expected = { method: 'POST', url: `${url}/api/v1/enrol`, nowMs: Date.now(), jkt: identity.jkt };
      expect((await verifyProof(String(request.headers['dpop']), expected)).ok).toBe(true);
      expect(JSON.parse(body)).toEqual({ token: 'once', version: '1', public_key: identity.publicJwk });
      response.writeHead(201).end('{"id":"con_1","tenant_url":"https://acme.example.com"}');
    },
  });
  const answer = await clientOf(url).client.enrol({ token: 'once', version: '1' });
  expect(answer).toEqual({ id: 'con_1', tenant_url: 'https://acme.example.com' });
});

describe('a Controller that cannot be reached is named, with the reason', () => {
  const loginAt = (url: string, timeoutMs?: number) =>
    refusedWith(clientOf(url, timeoutMs === undefined ? {} : { timeoutMs }).client.login(credentials()));

  test('nobody listens', async () => {
    const url = await deadUrl();
    const error = await loginAt(`${url}/t/acme`);
    expect(error.code).toBe('controller_unreachable');
    expect(error.message).toBe(`cannot reach ${url}: the connection was refused`);
  });

  test('the name does not resolve', async () => {
    const { code, message } = await loginAt('https://controller.invalid');
    expect(code).toBe('controller_unreachable');
    expect(message).toMatch(/^cannot reach https:\/\/controller\.invalid: its name does not resolve/);
  });

  test('its certificate is not trusted', async () => {
    const options = { key: identity.privateKeyPem, cert: identity.certificatePem };
    const server = createTlsServer(options).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const error = await loginAt(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.close();
    expect(error.code).toBe('controller_unreachable');
    expect(error.message).toMatch(/its TLS certificate is (self-signed|not trusted|for another name)/);
  });

  test('it does not speak TLS', async () => {
    const { url } = await startPeer({});
    const error = await loginAt(url.replace('http:', 'https:'));
    expect(error.message).toContain('does not speak TLS');
  });

  test('it never answers', async () => {
    const { url } = await startPeer({ request: () => {} });
    expect((await loginAt(url, 100)).message).toBe(`cannot reach ${url}: it does not answer in time`);
  });

  test('it is something else', async () => {
    const { url } = await startPeer({
      request: (_, __, response) => response.writeHead(200).end('<html>Welcome'),
    });
    expect(await loginAt(url)).toMatchObject({
      code: 'controller_unreachable',
      message: `${url} answers with status 200, not as Sallyport does`,
    });
  });

  test('a proxy before it has lost it', async () => {
    const { url } = await startPeer({
      request: (_, __, response) => response.writeHead(502).end('Bad Gateway'),
    });
    expect(await loginAt(url)).toMatchObject({ code: 'unavailable', permanent: false });
  });

  test('it answers without end', async () => {
    const { url } = await startPeer({
      request(_, __, response) {
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
        };
        response.on('drain', more).on('error', () => {});
        more();
      },
    });
    expect((await loginAt(url)).message).toContain('longer than');
  });

  test('its answer has another form', async () => {
    const { url } = await startPeer({ request: (_, __, response) => response.end('{"access_token":1}') });
    expect((await loginAt(url)).code).toBe('protocol_error');
  });
});
