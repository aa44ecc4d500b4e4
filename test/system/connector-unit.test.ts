/**
 * The text that "add a Connector" shows for systemd, run word for word on a host with a real systemd: the Connector
 * comes up and carries a flow, its start survives what happens to services, and a revoked one is not tried for ever.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { slugOf, texts } from '#workers/console/src/pages/connectors/texts.ts';
import { requestThrough } from '../demo/request.ts';
import type { Answer } from '../world/admin.ts';
import { type Internet, openInternet } from '../world/internet.ts';
import { addresses } from '../world/namespaces.ts';
import { System } from '../world/systemd/system.ts';

const why = System.unavailable;
const name = 'Branch office 1';
const slug = slugOf(name);
const unit = `${slug}.service`;

describe.skipIf(why !== undefined)(`under systemd${why ? ` (${why})` : ''}`, () => {
  let internet: Internet;
  let host: System;
  let made: Answer;

  beforeAll(async () => {
    internet = await openInternet();
    await internet.page('private', addresses.server, 80, 'private');
    host = await System.start(internet.net, 'connector');
    const { world, network } = internet;
    made = await world.admin.post('/connectors', { name, remote_network_id: network });
  }, 120_000);

  afterAll(async () => {
    await host?.stop();
    await internet?.stop();
  });

  const standing = () => internet.world.admin.get(`/connectors/${made.id}`);
  const events = async () => (await host.journal(unit)).map(({ event }) => event);
  const alive = () => expect.poll(async () => (await standing()).state, { timeout: 30_000 }).toBe('alive');

  test('the text, as it is shown, installs a unit that systemd finds nothing wrong with and starts it', async () => {
    const enrolment = { url: internet.world.tenantUrl, token: made.enrolment_token, name, image: '' };
    const { text } = texts(enrolment).find(({ id }) => id === 'systemd')!;
    // Root asks nobody.
    await host.must('sh', '-euc', `sudo() { "$@"; }\n${text}`);
    await alive();
    expect(await standing()).toMatchObject({ hostname: 'client', remote_network_id: internet.network });
    const verified = await host.run('systemd-analyze', 'verify', `/etc/systemd/system/${unit}`);
    expect(verified).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await host.must('systemctl', 'is-enabled', unit)).toBe('enabled\n');
  });

  test('it runs as a user without rights, with its key and token for itself alone', async () => {
    const pid = await host.property(unit, 'MainPID');
    const status = await host.must('cat', `/proc/${pid}/status`);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).not.toMatch(/^Uid:\t0\t/m);
    expect(await host.must('stat', '-Lc', '%a', `/var/lib/${slug}`)).toBe('700\n');
    expect(await host.must('stat', '-c', '%a %U', `/etc/sallyport/${slug}.env`)).toBe('600 root\n');
    expect(await host.must('sh', '-c', `stat -Lc %a /var/lib/private/${slug}/connector.json`)).toBe('600\n');
    const judged = await host.must('systemd-analyze', 'security', '--no-pager', unit);
    // Of 10; nothing but the network is its business.
    expect(Number(/exposure level for \S+: ([\d.]+)/.exec(judged)?.[1])).toBeLessThanOrEqual(2.5);
    const lines = await host.journal(unit);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(JSON.stringify(lines)).not.toMatch(/spe_|PRIVATE KEY|eyJ[\w-]+\./);
  });

  test('a flow goes through it', async () => {
    const { world, connector } = internet;
    const resource = await internet.resource('10.66.0.0/24');
    const { key } = await world.createService('ci', [resource.id]);
    await connector.stop();
    const client = await world.startClient(key);
    expect(await requestThrough(`http://${client.proxy}`, `http://${addresses.server}/`)).toMatchObject({
      status: 200,
      body: expect.stringMatching(/^private /),
    });
  });

  test('restarted or killed, it is the same Connector again, without a new token', async () => {
    const before = await standing();
    await host.must('systemctl', 'restart', unit);
    await host.must('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', unit);
    await expect.poll(() => host.property(unit, 'NRestarts'), { timeout: 20_000 }).not.toBe('0');
    await expect
      .poll(async () => (await events()).filter((event) => event === 'connector_ready').length, {
        timeout: 30_000,
      })
      .toBeGreaterThanOrEqual(2);
    await alive();
    expect(await standing()).toMatchObject({ hash: before.hash, enrolled_at: before.enrolled_at });
  });

  test('revoked, it ends with the reason and is not started again', async () => {
    await internet.world.admin.post(`/connectors/${made.id}/revoke`);
    await expect.poll(() => host.property(unit, 'ActiveState'), { timeout: 20_000 }).toBe('failed');
    expect(await host.property(unit, 'ExecMainStatus')).toBe('3');
    expect((await host.journal(unit)).at(-1)?.text).toMatch(/revoked/);
  });
});
