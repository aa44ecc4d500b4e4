/**
 * Offers of direct paths over real control channels: who may make them, to whom they go, that an answer finds
 * its way back once, and that neither side learns more of the other than its candidates.
 */

import { calculateJwkThumbprint } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { capability } from '#schema/control/messages.ts';
import { offerLimits } from '#schema/path/desk.ts';
import { type FakeAgent, type FakeChannel, nonce } from '../fake/agent.ts';
import { TrustWorld } from './trust-world.ts';

let deployment: TrustWorld;
let world: TrustWorld;
let connector: FakeAgent;
let client: FakeAgent;
let near: FakeChannel;
let far: FakeChannel;

const capable = { capability };
const candidates = [{ kind: 'host', address: '10.0.0.5', port: 40_000 }];
const others = [{ kind: 'reflexive', address: '192.0.2.7', port: 50_000 }];

beforeAll(async () => {
  deployment = await TrustWorld.start();
});
afterAll(() => deployment.stop());
beforeEach(async () => {
  world = await TrustWorld.in(deployment.administration);
  await world.grant(await world.resource('db.internal'));
  connector = await world.connector();
  client = await world.client();
  far = (await world.greetedConnector(connector, capable)).channel;
  await client.login();
  near = (await world.greetedClient(client, { acl_version: client.answer!.client!.acl_version, ...capable }))
    .channel;
});

const hashOf = (agent: FakeAgent) => agent.answer!.connector!.hash;
const offerTo = (hash: string, more: object = {}) => {
  const offer = nonce();
  near.send({ type: 'offer', offer, connector: hash, candidates, ...more });
  return offer;
};
const refusalOf = async (offer: string) =>
  (await near.take((message) => message.type === 'answer' && message.offer === offer)).code;

test('the Controller says that it knows of offers', async () => {
  const again = await client.channel();
  again.hello(capable);
  expect(await again.take('welcome')).toMatchObject({ capability });
});

test('an offer reaches the Connector with the key that will prove itself, and nothing else; its answer comes back once', async () => {
  const offer = offerTo(hashOf(connector));
  expect(await far.take('offer')).toEqual({
    ...{ type: 'offer', offer, candidates },
    jkt: await calculateJwkThumbprint(client.instance.publicJwk),
  });
  far.send({ type: 'answer', offer, candidates: others });
  expect(await near.take('answer')).toEqual({ type: 'answer', offer, candidates: others });
  far.send({ type: 'answer', offer, candidates: others });
  far.send({ type: 'answer', offer: nonce(), candidates: others });
  const next = offerTo(hashOf(connector));
  await far.take('offer');
  far.send({ type: 'answer', offer: next, code: 'path_unavailable' });
  expect(await near.take('answer')).toEqual({ type: 'answer', offer: next, code: 'path_unavailable' });
});

describe('an offer goes nowhere', () => {
  test('to a Connector of a network in which nothing is granted, nor to one of another Tenant', async () => {
    const { id } = await world.admin.post('/remote-networks', { name: 'elsewhere' });
    await world.resource('other.internal', id);
    const stranger = await world.connector(id);
    const theirs = (await world.greetedConnector(stranger, capable)).channel;
    const foreign = await TrustWorld.in(deployment.administration);
    await foreign.grant(await foreign.resource('db.internal'));
    const alien = await foreign.connector();
    const aliens = (await foreign.greetedConnector(alien, capable)).channel;
    for (const hash of [hashOf(stranger), hashOf(alien), 'a'.repeat(52)]) {
      expect(await refusalOf(offerTo(hash))).toBe('connector_offline');
    }
    expect([...theirs.received, ...aliens.received]).not.toContainEqual(
      expect.objectContaining({ type: 'offer' }),
    );
  });

  test('once the grant is taken back', async () => {
    const { items } = await world.admin.get('/grants');
    for (const { id } of items) await world.admin.delete(`/grants/${id}`);
    expect(await refusalOf(offerTo(hashOf(connector)))).toBe('connector_offline');
    expect(far.received).not.toContainEqual(expect.objectContaining({ type: 'offer' }));
  });

  test('to a Connector that is away, or too old to know of offers', async () => {
    await far.close();
    expect(await refusalOf(offerTo(hashOf(connector)))).toBe('connector_offline');
    await world.greetedConnector(connector, { capability: 1 });
    expect(await refusalOf(offerTo(hashOf(connector)))).toBe('version_unsupported');
  });

  test('twice, nor more often than a Client has reason to', async () => {
    const offer = offerTo(hashOf(connector));
    await far.take('offer');
    near.send({ type: 'offer', offer, connector: hashOf(connector), candidates });
    expect(await refusalOf(offer)).toBe('token_replayed');
    const offers = Array.from({ length: offerLimits.ofClient.burst + 5 }, () => offerTo(hashOf(connector)));
    expect(await refusalOf(offers.at(-1)!)).toBe('limit_reached');
    expect(far.received.filter(({ type }) => type === 'offer').length).toBeLessThan(
      offerLimits.ofClient.burst,
    );
  });
});

test('only Clients offer, and only the Connector that was asked answers', async () => {
  const another = await world.connector();
  const third = (await world.greetedConnector(another, capable)).channel;
  const offer = offerTo(hashOf(connector));
  await far.take('offer');
  third.send({ type: 'answer', offer, candidates: others });
  third.send({ type: 'offer', offer: nonce(), connector: hashOf(connector), candidates: others });
  near.send({ type: 'answer', offer, candidates: others });
  far.send({ type: 'answer', offer, candidates });
  expect(await near.take('answer')).toEqual({ type: 'answer', offer, candidates });
  expect(far.received).not.toContainEqual(expect.objectContaining({ type: 'offer' }));
});

test.for([
  ['too many candidates', Array.from({ length: 9 }, () => candidates[0])],
  ['a port below 1024', [{ kind: 'host', address: '10.0.0.5', port: 22 }]],
  ['an address that is none', [{ kind: 'host', address: 'x'.repeat(46), port: 4_000 }]],
])('%s end the channel', async ([, wrong]) => {
  offerTo(hashOf(connector), { candidates: wrong });
  expect(await near.closed).toBe(4400);
});
