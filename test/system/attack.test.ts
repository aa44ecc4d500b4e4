/**
 * What an attacker may try who has a real Service Key, or has stolen something: every attempt runs against
 * the real Controller, relay and Connector. Expired tokens need a clock of the test's own and are with the
 * other checks of the doors (`test/contract/`, `test/unit/connector/`).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createIdentity } from '#node-agents/link/identity.ts';
import type { ServiceKeyFile } from '#schema/control/service-key.ts';
import type { ConnectorHash } from '#schema/ids.ts';
import { mintId } from '#schema/ids.ts';
import { Admin, type Answer } from '../world/admin.ts';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import type { ServiceKey } from '../world/world.ts';
import { startBulk } from './origin/bulk.ts';
import { Rogue, refusalOf, ways } from './rogue.ts';

const cleanups: (() => unknown)[] = [];
let office: Office;
let key: ServiceKey;
let port: number;
let allowed: Answer;
/** In another Remote Network of the same Tenant, with a Connector of its own. */
let elsewhere: string;
let rogue: Rogue;

const file = (one: ServiceKey) => one.file as unknown as ServiceKeyFile;

beforeAll(async () => {
  office = await openOffice();
  const { world } = office;
  port = await world.port();
  const bulk = await startBulk(officeAddress, port);
  cleanups.push(() => bulk.stop());
  allowed = await office.resource('files.internal', { tcp: [{ from: port, to: port }], udp: 'none' });
  await office.resource('payroll.internal');
  elsewhere = (await world.admin.post('/remote-networks', { name: 'elsewhere' })).id;
  await world.startConnector(elsewhere, 'connector-elsewhere', { SALLYPORT_DNS: office.dns.address });
  const there = await world.admin.post('/resources', {
    name: 'there.internal',
    address: 'there.internal',
    remote_network_id: elsewhere,
    allow_reserved: true,
  });
  key = (await world.createService('insider', [allowed.id, there.id])).key;
}, 120_000);

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  await office?.stop();
});

const here = () => rogue.in(office.network);
const flowTo = (host: string, to: number) => ({
  connectionId: mintId('connection', crypto.getRandomValues(new Uint8Array(16))),
  destination: { protocol: 'tcp' as const, host, port: to },
  clientAddress: '',
});

describe.for(ways)('by %s', (way) => {
  beforeAll(async () => {
    rogue = await Rogue.login(file(key), way);
  });

  describe('at the relay', () => {
    test('the honest way works, so that the refusals below mean something', async () => {
      const { hash, acl } = here();
      const tunnel = await rogue.tunnel(hash, { acl });
      await tunnel.openFlow(flowTo('files.internal', port)).opened;
      tunnel.close();
    });

    test('a forged token is refused', async () => {
      const { hash } = here();
      const forged = await new SignJWT({ cnf: { jkt: rogue.identity.jkt }, jti: 'forged-token-0123456789' })
        .setProtectedHeader({ alg: 'ES256', typ: 'sallyport-connection+jwt', kid: 'x' })
        .setIssuer(office.world.tenantUrl)
        .setAudience(hash)
        .setIssuedAt()
        .setExpirationTime('50s')
        .sign(rogue.identity.cryptoKey);
      expect(await refusalOf(rogue.meet(forged))).toBe('token_invalid');
    });

    test('a token that was used is refused', async () => {
      const token = await rogue.freshToken(here().hash);
      (await rogue.meet(token)).destroy();
      expect(await refusalOf(rogue.meet(token))).toBe('token_replayed');
    });

    test('a token of another kind is refused', async () => {
      expect(await refusalOf(rogue.meet(rogue.answer.access_token))).toBe('token_invalid');
      expect(await refusalOf(rogue.meet(here().acl))).toBe('token_invalid');
    });

    test('a stolen token is useless without its key', async () => {
      const token = await rogue.freshToken(here().hash);
      expect(await refusalOf(rogue.meet(token, await createIdentity()))).toBe('proof_invalid');
    });
  });

  describe('at the Connector', () => {
    test('a token for another Connector is refused', async () => {
      const { hash, acl } = here();
      const other = await rogue.freshToken(rogue.in(elsewhere).hash);
      expect(await refusalOf(rogue.tunnel(hash, { acl, helloToken: other }))).toBe('wrong_audience');
    });

    test('an ACL for another Remote Network is refused', async () => {
      const { hash } = here();
      expect(await refusalOf(rogue.tunnel(hash, { acl: rogue.in(elsewhere).acl }))).toBe('wrong_audience');
    });

    test('the ACL of another instance is refused', async () => {
      const other = await Rogue.login(file(key), way);
      const { hash } = here();
      expect(await refusalOf(rogue.tunnel(hash, { acl: other.in(office.network).acl }))).toBe(
        'instance_mismatch',
      );
    });

    test('a TLS certificate that is not the ACL’s is refused', async () => {
      const { hash, acl } = here();
      const attempt = rogue.tunnel(hash, { acl, tlsIdentity: await createIdentity() });
      expect(['proof_invalid', 'instance_mismatch']).toContain(await refusalOf(attempt));
    });

    test('a Resource outside the Client ACL is refused, and so is a port outside the Resource', async () => {
      const { hash, acl } = here();
      const tunnel = await rogue.tunnel(hash, { acl });
      expect(await refusalOf(tunnel.openFlow(flowTo('payroll.internal', 443)).opened)).toBe('not_a_resource');
      expect(await refusalOf(tunnel.openFlow(flowTo('files.internal', port + 1)).opened)).toBe('port_denied');
      tunnel.close();
      const { admin } = office.world;
      await expect
        .poll(async () => (await admin.get('/events?kind=denied')).items.map((e: Answer) => [e.host, e.code]))
        .toEqual(
          expect.arrayContaining([
            ['payroll.internal', 'not_a_resource'],
            ['files.internal', 'port_denied'],
          ]),
        );
    });

    test('a grant that was taken back counts at once, whatever ACL is presented', async () => {
      const { admin } = office.world;
      const resource = await office.resource(`brief-${way}.internal`);
      const grant = await admin.post('/grants', {
        resource_id: resource.id,
        service_account_id: (file(key) as ServiceKeyFile).service_account_id,
      });
      const holder = await Rogue.login(file(key), way);
      const { hash, acl } = holder.in(office.network);
      await admin.delete(`/grants/${grant.id}`);
      await expect
        .poll(async () => refusalOf(holder.tunnel(hash, { acl })), { timeout: 5_000 })
        .toBe('acl_superseded');
    });
  });

  test('a Connector whose certificate is not the pinned one is refused by the Client', async () => {
    const { acl, hash } = here();
    const stranger = rogue.in(elsewhere).hash;
    const connectionToken = await rogue.freshToken(hash);
    expect(await refusalOf(rogue.tunnel(stranger as ConnectorHash, { acl, connectionToken }))).toBe(
      'peer_not_pinned',
    );
  });

  test('tokens of another Tenant are worth nothing', async () => {
    const { operator, url } = office.world;
    const created = await operator.post('/tenants', { slug: `other-${way}`, name: 'Other' });
    const other = new Admin(`${url}/t/other-${way}`, created.api_token.token);
    const account = await other.post('/service-accounts', { name: 'spy' });
    const made = await other.post(`/service-accounts/${account.id}/keys`, { name: 'spy' });
    const spy = await Rogue.login(made.service_key, way);
    const { hash, acl } = here();
    expect(
      await refusalOf(spy.freshToken(hash).then((token) => token ?? Promise.reject({ code: 'not_given' }))),
    ).not.toMatch(/accepted/);
    expect(await refusalOf(spy.tunnel(hash, { acl, connectionToken: await rogue.freshToken(hash) }))).toBe(
      'proof_invalid',
    );
    await expect(
      Rogue.login({ ...(made.service_key as ServiceKeyFile), network: office.world.tenantUrl }),
    ).rejects.toMatchObject({
      code: expect.stringMatching(/^credential_/),
    });
  });
});

test('a key revoked in the middle of a download cuts it within a second, with a receipt and an event', async () => {
  const { world } = office;
  const victim = await world.createKey((file(key) as ServiceKeyFile).service_account_id, { name: 'victim' });
  const client = await world.startClient(victim);
  const curl = spawn('curl', [
    '-sS',
    '-x',
    `http://${client.proxy}`,
    `http://files.internal:${port}/4000000000`,
  ]);
  await once(curl.stdout, 'data');
  curl.stdout.resume();
  const ended = once(curl, 'exit');
  const started = performance.now();
  const answer = await world.admin.post(`/service-keys/${victim.id}/revoke`);
  const [code] = await ended;
  const took = performance.now() - started;
  expect(took).toBeLessThan(1_000);
  expect(code).not.toBe(0);
  const { receipt } = answer;
  expect(receipt.complete).toBe(true);
  const confirmed = receipt.agents.find((agent: Answer) => agent.id === office.connector.id);
  expect(confirmed).toMatchObject({ confirmed: true, flows_cut: 1 });
  await expect
    .poll(async () => (await world.admin.get(`/events?key=${victim.id}`)).items.map((e: Answer) => e.code), {
      timeout: 5_000,
    })
    .toContain('revoked');
  expect(await client.exited).toBe(3);
}, 60_000);
