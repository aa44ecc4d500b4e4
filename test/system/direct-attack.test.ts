/**
 * Attacks on direct paths: whoever is not the key of the offer, brings a token that is used or another's, or only
 * happens upon a port, gets nowhere; and a Client is not led to anybody but its Connector.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { gather } from '#node-agents/link/path/gather.ts';
import { punch } from '#node-agents/link/path/punch.ts';
import { acceptPinned, connectPinned } from '#node-agents/link/pinned-tls.ts';
import { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import { openPathPorts } from '#node-agents/os/path-port.ts';
import { realHost } from '#node-agents/process/host.ts';
import { createLog } from '#node-agents/process/log.ts';
import { paths } from '#schema/control/login.ts';
import { capability, controlProtocol } from '#schema/control/messages.ts';
import type { ServiceKeyFile } from '#schema/control/service-key.ts';
import type { Candidate } from '#schema/path/candidates.ts';
import { FakeAgent, FakeChannel, nonce } from '../fake/agent.ts';
import { DirectLab, type Place } from '../world/direct-lab.ts';
import { type LabHost, NatLab, type Site } from '../world/nat-lab.ts';
import { Rogue, refusalOf } from './rogue.ts';

const reason = NatLab.unavailable;
if (reason) console.warn(`skipped: ${reason}`);

const log = createLog({ level: 'error' });
const host = realHost(log, new AbortController().signal);

describe.skipIf(reason)('a direct path', () => {
  let direct: DirectLab;
  let site: Site;
  let place: Place;
  /** The Client's own network too, with another Connector. */
  let branch: Place;
  let here: LabHost;
  let stranger: LabHost;

  beforeAll(async () => {
    direct = await DirectLab.open();
    site = direct.lab.site('office', 'port');
    place = await direct.place('office', site.host('connector'));
    branch = await direct.place('branch', site.host('branch'));
    here = site.host('client');
    stranger = site.host('stranger');
  }, 120_000);
  afterAll(() => direct?.stop());

  const logIn = async () => {
    const { key } = await direct.world.createService(`rogue-${nonce().replaceAll(/[-_]/g, '')}`, [
      place.resource,
      branch.resource,
    ]);
    const rogue = await Rogue.login(key.file as unknown as ServiceKeyFile);
    const url = direct.world.tenantUrl + paths.channel;
    const headers = await rogue.controller.authorize('GET', url);
    const channel = await FakeChannel.over(
      new WebSocket(url.replace('http', 'ws'), [controlProtocol], { headers, perMessageDeflate: false }),
    );
    channel.hello({ capability, acl_version: rogue.client.acl_version });
    await channel.take('welcome');
    return { rogue, channel, key, ...rogue.in(place.network) };
  };

  /** Offers, and gives each connection that comes about to `prove`. */
  const meet = <T>(
    { channel, hash }: { channel: FakeChannel; hash: string },
    prove: (socket: Socket) => Promise<T>,
    meanwhile: (answered: Candidate[]) => Promise<unknown> = async () => {},
  ): Promise<T> =>
    direct.lab.within(here.namespace, async () => {
      const ports = openPathPorts();
      const { signal } = new AbortController();
      try {
        const { candidates } = await gather(ports, [], signal);
        channel.send({ type: 'offer', offer: nonce(), connector: hash, candidates });
        const { candidates: theirs, code } = await channel.take('answer');
        if (code !== undefined) throw Object.assign(new Error(code), { code });
        await meanwhile(theirs);
        const { monotonic: now, random } = host;
        const options = { ports, candidates: theirs, listen: true, leaveOthers: false, now, random, signal };
        return await punch({ ...options, prove });
      } finally {
        for (const port of ports) port.close();
      }
    });

  const tunnelOver = async (
    socket: Socket,
    o: { hash: string; identity: Identity; connectionToken: string; acl: string },
  ): Promise<ClientTunnel> => {
    const { hash, identity, ...hello } = o;
    const secured = await connectPinned(socket, { identity, connectorHash: hash as never, timeoutMs: 4_000 });
    return ClientTunnel.open(secured, { ...hello, log, now: host.monotonic });
  };
  const openedAt = (jkt: string) =>
    place.connector.lines.filter(({ event, instance }) => event === 'tunnel_open' && instance === jkt).length;

  test('leads the one who offered to a tunnel, and to the ACL checks of any other', async () => {
    const { rogue, channel, hash, acl } = await logIn();
    const connectionToken = await rogue.freshToken(hash);
    const tunnel = await meet({ channel, hash }, (socket) =>
      tunnelOver(socket, { hash, identity: rogue.identity, connectionToken, acl }),
    );
    const denied = tunnel.openFlow({
      connectionId: 'cnx_00000000000000000000000000',
      destination: { protocol: 'tcp', host: '10.99.9.9', port: 22 },
      clientAddress: '',
    });
    expect(await refusalOf(denied.opened)).toBe('not_a_resource');
    tunnel.close();
    await channel.close();
  });

  test('is refused to another key than the offer’s, whatever token and ACL come with it', async () => {
    const { rogue, channel, hash, acl } = await logIn();
    const other = await logIn();
    const connectionToken = await other.rogue.freshToken(hash);
    const met = meet({ channel, hash }, (socket) =>
      tunnelOver(socket, { hash, identity: other.rogue.identity, connectionToken, acl: other.acl }),
    );
    expect(await refusalOf(met)).toBe('path_blocked');
    await place.connector.line(
      ({ event, code }) => event === 'direct_peer_refused' && code === 'proof_invalid',
    );
    expect(openedAt(other.rogue.client.instance)).toBe(0);
    // The token was not even looked at: it still serves where its key may come.
    const tunnel = await other.rogue.tunnel(hash, { acl: other.acl, connectionToken });
    tunnel.close();
    expect(acl).not.toBe(other.acl);
    expect(rogue.client.instance).not.toBe(other.rogue.client.instance);
    await Promise.all([channel.close(), other.channel.close()]);
  }, 60_000);

  test('wants a token of its own: not one that was used, another’s, for another Connector, nor one from before a revocation', async () => {
    const { rogue, channel, hash, acl } = await logIn();
    const other = await logIn();
    const elsewhere = rogue.in(branch.network);
    const used = await rogue.freshToken(hash);
    (await rogue.tunnel(hash, { acl, connectionToken: used })).close();
    const tries = [
      { connectionToken: used, acl, refused: 'token_replayed' },
      { connectionToken: await other.rogue.freshToken(hash), acl, refused: 'proof_invalid' },
      { connectionToken: await rogue.freshToken(hash), acl: other.acl, refused: 'instance_mismatch' },
      { connectionToken: 'x.y.z', acl, refused: 'token_invalid' },
      { connectionToken: await rogue.freshToken(elsewhere.hash), acl, refused: 'wrong_audience' },
      { connectionToken: await rogue.freshToken(hash), acl: elsewhere.acl, refused: 'wrong_audience' },
    ];
    for (const { refused, ...hello } of tries) {
      const refusals: string[] = [];
      await meet({ channel, hash }, async (socket) => {
        refusals.push(await refusalOf(tunnelOver(socket, { hash, identity: rogue.identity, ...hello })));
      });
      expect(refusals).toEqual([refused]);
    }
    const early = await rogue.freshToken(hash);
    const { key } = await direct.world.createService('bystander', [place.resource]);
    expect(key.id).toMatch(/^key_/);
    const late: string[] = [];
    const revoked = meet(
      { channel, hash },
      async (socket) => {
        late.push(
          await refusalOf(
            tunnelOver(socket, { hash, identity: rogue.identity, connectionToken: early, acl }),
          ),
        );
      },
      () => direct.world.admin.post(`/instances/${rogue.client.instance}/revoke`),
    );
    await revoked.catch(() => {});
    expect(late.every((code) => code === 'revoked')).toBe(true);
    await other.channel.close();
  }, 120_000);

  test('has no door for strangers: the port that a Connector dials from refuses them, and is gone afterwards', async () => {
    const { rogue, channel, hash, acl } = await logIn();
    const connectionToken = await rogue.freshToken(hash);
    let theirs: Candidate[] = [];
    const knock = () =>
      direct.lab.within(stranger.namespace, async () => {
        const [{ address, port }] = theirs as [Candidate];
        const socket = connect({ host: address, port });
        const [error] = await once(socket, 'error');
        return (error as NodeJS.ErrnoException).code;
      });
    const codes: (string | undefined)[] = [];
    const tunnel = await meet(
      { channel, hash },
      (socket) => tunnelOver(socket, { hash, identity: rogue.identity, connectionToken, acl }),
      async (answered) => {
        theirs = answered;
        codes.push(await knock());
      },
    );
    codes.push(await knock());
    tunnel.close();
    codes.push(await knock());
    expect(codes).toEqual(['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED']);
    await channel.close();
  }, 60_000);

  test('is not taken by an impostor: others cannot reach the Client’s port, and who can must hold the Connector’s key', async () => {
    const impostor = site.host('impostor');
    const { admin, tenantUrl } = direct.world;
    const network: string = (await admin.post('/remote-networks', { name: 'trap' })).id;
    const trap = { name: 'trap', remote_network_id: network, address: '10.88.0.1' };
    const resource: string = (await admin.post('/resources', trap)).id;
    const made = await admin.post('/connectors', { name: 'trap', remote_network_id: network });
    const connector = await FakeAgent.enrol(tenantUrl, made.enrolment_token);
    const channel = await connector.channel();
    channel.hello({ capability });
    const { key } = await direct.world.createService('trapped', [resource]);
    const visitor = await direct.visitor(key, site.host('victim'));
    void visitor.curl('-p', 'http://10.88.0.1/');
    const { offer, candidates } = await channel.take('offer', 20_000);
    const [{ address, port }] = candidates as [Candidate];
    const answered: Candidate[] = [{ kind: 'host', address: impostor.address, port: 50_000 }];
    channel.send({ type: 'answer', offer, candidates: answered });

    const wrong = await createIdentity();
    const impersonate = async () => {
      const socket = await direct.lab.within(impostor.namespace, async () => {
        for (;;) {
          const socket = connect({ host: address, port });
          const connected = await once(socket, 'connect').catch(() => undefined);
          if (connected) return socket;
        }
      });
      const { socket: secured } = await acceptPinned(socket, { identity: wrong, timeoutMs: 4_000 });
      await once(secured.resume(), 'close');
    };
    await impersonate().catch(() => {});
    // Dropped, not refused: nothing shows that there is a port at all.
    const silent = await direct.lab.within(stranger.namespace, async () => {
      const socket = connect({ host: address, port });
      const heard = await Promise.race([
        once(socket, 'connect').then(() => 'connected'),
        once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code),
        new Promise((late) => setTimeout(late, 700, 'silence')),
      ]).catch((error) => (error as NodeJS.ErrnoException).code);
      socket.destroy();
      return heard;
    });
    expect(silent).toBe('silence');
    const failed = await visitor.agent.line('direct_path_failed');
    expect(failed).toMatchObject({ code: 'path_blocked' });
    expect(visitor.agent.lines.filter(({ event }) => event === 'direct_path_open')).toEqual([]);
    await channel.close();
  }, 60_000);
});
