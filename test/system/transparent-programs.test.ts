/**
 * Programs that know nothing of Sallyport, through `--tun on`: what they do in a private network they do from
 * the Client's host, over names and over addresses of both families. Each server is its own project's, in the
 * namespace that only the Connector reaches.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Internet, type Outcome, openInternet } from '../world/internet.ts';
import { addresses, Namespaces } from '../world/namespaces.ts';
import { startServer } from '../world/server.ts';
import { startGit } from './origin/git.ts';
import { startPostgres } from './origin/postgres.ts';

const why = Namespaces.unavailable;
const { server, server6 } = addresses;

describe.skipIf(why !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let folder: string;
  const stops: (() => unknown)[] = [];

  beforeAll(async () => {
    internet = await openInternet();
    folder = join(internet.world.stateDir, 'programs');
    mkdirSync(folder);
    const names = ['ssh', 'git', 'redis', 'h3', 'db'].map((name) => `${name}.corp.test`);
    for (const name of names) internet.privateDns.names.set(name, [server]);
    internet.privateDns.names.set('db.corp.test', [server6]);
    await internet.page('private', server, 80, 'behind ssh');
    const resources = [];
    for (const address of [...names, '10.66.0.0/24', 'fd66::/64'])
      resources.push((await internet.resource(address)).id);
    const { key } = await internet.world.createService('programs', resources);
    const client = await internet.world.startClient(key, {
      proxyHost: '127.0.0.1',
      prefix: internet.net.prefix('client'),
      args: ['--tun', 'on'],
    });
    stops.push(() => client.stop());
  }, 120_000);

  afterAll(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    await internet?.stop();
  });

  /** In the private network until the end. */
  const serve = async (port: number, over: 'tcp' | 'udp', ...command: string[]) => {
    const { stop } = await startServer(internet, { place: 'private', port, over }, ...command);
    stops.push(stop);
  };
  const run = (...command: string[]) => internet.run('client', command[0]!, ...command.slice(1));
  const sumOf = async (path: string) => (await run('sha256sum', path)).stdout.split(' ')[0];
  const fileOf = (name: string, bytes: number): string => {
    const path = join(folder, name);
    writeFileSync(path, randomBytes(bytes));
    return path;
  };
  const done = (stdout: unknown): Partial<Outcome> => expect.objectContaining({ code: 0, stdout });

  describe('OpenSSH', () => {
    let config: string[];

    beforeAll(async () => {
      for (const name of ['host', 'user'])
        await run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name));
      // sshd wants this folder for its unprivileged half, wherever it runs.
      mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
      const sshd = join(folder, 'sshd_config');
      writeFileSync(
        sshd,
        [
          ...[`ListenAddress ${server}:22`, `ListenAddress [${server6}]:22`],
          ...[`HostKey ${folder}/host`, `AuthorizedKeysFile ${folder}/user.pub`, 'StrictModes no'],
          ...['UsePAM no', 'PasswordAuthentication no', 'PermitRootLogin prohibit-password'],
          ...['PidFile none', 'Subsystem sftp internal-sftp', ''],
        ].join('\n'),
      );
      await serve(22, 'tcp', '/usr/sbin/sshd', '-D', '-e', '-f', sshd);
      const known = join(folder, 'known_hosts');
      const hostKey = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
      writeFileSync(known, `ssh.corp.test,${server},${server6} ${hostKey}\n`);
      config = ['-F', join(folder, 'ssh_config')];
      writeFileSync(
        config[1]!,
        `User root\nIdentityFile ${folder}/user\nUserKnownHostsFile ${known}\nStrictHostKeyChecking yes\nBatchMode yes\n`,
      );
    });

    test('ssh logs in with a key and runs a command, by name and by address', async () => {
      for (const host of ['ssh.corp.test', server, server6])
        expect(await run('ssh', ...config, host, 'echo $SSH_CONNECTION; exit 7')).toMatchObject({
          code: 7,
          stdout: expect.stringMatching(host === server6 ? /^fd66::1 / : /^10\.66\.0\.1 /),
        });
    });

    test('scp and sftp carry files whole, both ways', async () => {
      const up = fileOf('up.bin', 8_000_000);
      const there = join(folder, 'there.bin');
      const back = join(folder, 'back.bin');
      expect(await run('scp', '-q', ...config, up, `ssh.corp.test:${there}`)).toMatchObject({ code: 0 });
      expect(await sumOf(there)).toBe(await sumOf(up));
      const batch = join(folder, 'batch');
      writeFileSync(batch, `get ${there} ${back}\n`);
      expect(await run('sftp', '-q', ...config, '-b', batch, `[${server6}]`)).toMatchObject({ code: 0 });
      expect(await sumOf(back)).toBe(await sumOf(up));
    });

    test('a port forward of ssh reaches what is behind its server', async () => {
      const args = ['-N', '-L', `127.0.0.1:8022:${server}:80`, 'ssh.corp.test'];
      const [program, ...rest] = [...internet.net.prefix('client'), 'ssh', ...config, ...args];
      const forward = spawn(program!, rest, { stdio: 'ignore' });
      stops.push(() => forward.kill());
      const page = () => run('curl', '-sS', '-m', '5', 'http://127.0.0.1:8022/');
      await expect.poll(page, { timeout: 10_000 }).toEqual(done(expect.stringMatching(/^behind ssh /)));
    });

    test('git clones over ssh', async () => {
      const source = await gitRepository();
      const clone = join(folder, 'clone-ssh');
      const ssh = `GIT_SSH_COMMAND=ssh ${config.join(' ')}`;
      const url = `ssh://ssh.corp.test${source}`;
      expect(await run('env', ssh, 'git', 'clone', '-q', url, clone)).toMatchObject({ code: 0 });
      expect(await run('git', '-C', clone, 'rev-parse', 'HEAD')).toEqual(done(await headOf(source)));
    });
  });

  test('git clones and pushes over http, and clones by its own protocol over IPv6', async () => {
    const origin = await internet.net.within('private', () => startGit(server, 8080));
    stops.push(() => origin.stop());
    const clone = join(folder, 'clone-http');
    const url = 'http://git.corp.test:8080/project.git';
    expect(await run('git', 'clone', '-q', url, clone)).toMatchObject({ code: 0 });
    expect(await run('git', '-C', clone, 'rev-parse', 'HEAD')).toEqual(done(`${origin.head}\n`));
    writeFileSync(join(clone, 'more.bin'), randomBytes(2_000_000));
    await commit(clone);
    expect(await run('git', '-C', clone, 'push', '-q', 'origin', 'HEAD:more')).toMatchObject({ code: 0 });
    const listed = await run('git', 'ls-remote', url, 'refs/heads/more');
    expect(listed.stdout).toContain((await headOf(clone)).trim());

    const source = await gitRepository();
    await serve(
      9418,
      'tcp',
      ...['git', 'daemon', '--export-all', `--base-path=${folder}`, `--listen=${server6}`, '--reuseaddr'],
    );
    const again = join(folder, 'clone-git');
    const own = `git://[${server6}]/${source.slice(folder.length + 1)}`;
    expect(await run('git', 'clone', '-q', own, again)).toMatchObject({ code: 0 });
    expect(await headOf(again)).toBe(await headOf(source));
  });

  test('redis-cli sets, gets, and hears what is published', async () => {
    const options = ['--save', '', '--appendonly', 'no', '--protected-mode', 'no', '--dir', folder];
    await serve(6379, 'tcp', 'redis-server', '--port', '6379', '--bind', server, server6, ...options);
    const redis = (host: string, ...args: string[]) => run('redis-cli', '-h', host, ...args);
    const value = randomBytes(200_000).toString('hex');
    const file = join(folder, 'value');
    writeFileSync(file, value);
    const set = `redis-cli -h redis.corp.test -x set key < ${file}`;
    expect(await run('sh', '-c', set)).toEqual(done('OK\n'));
    expect((await redis(server6, 'get', 'key')).stdout.trim()).toBe(value);

    const [program, ...args] = [...internet.net.prefix('client'), 'redis-cli', '-h', 'redis.corp.test'];
    const listener = spawn(program!, [...args, 'subscribe', 'news'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    stops.push(() => listener.kill());
    const heard: string[] = [];
    createInterface({ input: listener.stdout }).on('line', (line) => heard.push(line));
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['subscribe', 'news', '1']);
    expect(await redis(server, 'publish', 'news', 'one')).toEqual(done('1\n'));
    expect(await redis(server6, 'publish', 'news', 'two')).toEqual(done('1\n'));
    await expect
      .poll(() => heard.slice(3), { timeout: 10_000 })
      .toEqual(['message', 'news', 'one', 'message', 'news', 'two']);
  });

  test('an HTTP/3 client downloads over QUIC, by name and over both families', async () => {
    const [key, certificate] = [join(folder, 'h3.key'), join(folder, 'h3.crt')];
    const subject = ['-subj', '/CN=h3.corp.test', '-days', '1', '-keyout', key, '-out', certificate];
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    await run('openssl', 'req', '-x509', '-nodes', ...ec, ...subject);
    const pages = join(folder, 'pages');
    mkdirSync(pages);
    writeFileSync(join(pages, 'page.bin'), randomBytes(3_000_000));
    for (const [address, port] of [
      [server, 4433],
      [server6, 4436],
    ] as const)
      await serve(port, 'udp', 'gtlsserver', '-q', '-d', pages, address, String(port), key, certificate);
    for (const [host, port] of [
      ['h3.corp.test', 4433],
      [server, 4433],
      [server6, 4436],
    ] as const) {
      const into = join(folder, `from-${port}-${host.length}`);
      mkdirSync(into);
      const quiet = ['-q', '--exit-on-all-streams-close', `--download=${into}`];
      const url = `https://h3.corp.test:${port}/page.bin`;
      const asked = await run('gtlsclient', ...quiet, host, String(port), url);
      expect(asked).toMatchObject({ code: 0 });
      expect(await sumOf(join(into, 'page.bin'))).toBe(await sumOf(join(pages, 'page.bin')));
    }
  });

  test('psql over IPv6, by name and by address', async () => {
    const database = await internet.net.within('private', () =>
      startPostgres(server6, 5432, 'secret', 'fd66::/64'),
    );
    stops.push(() => database.stop());
    for (const host of ['db.corp.test', `[${server6}]`]) {
      const url = `postgresql://app:secret@${host}/postgres`;
      const query = "select length(repeat('x', 3000000)), family(inet_client_addr())";
      expect(await run('psql', url, '-Atc', query)).toEqual(done('3000000|6\n'));
    }
  }, 60_000);

  test.each([
    ['v4', server],
    ['v6', server6],
  ])('iperf3 sends datagrams both ways over %s', async (_, address) => {
    const { stop } = await startServer(
      internet,
      { place: 'private', port: 5201 },
      ...['iperf3', '-s', '-1', '-B', address],
    );
    stops.push(stop);
    const load = ['-u', '--bidir', '-b', '20M', '-l', '1200', '-t', '1', '-J'];
    const { end } = JSON.parse((await run('iperf3', '-c', address, ...load)).stdout);
    for (const { packets, lost_percent: lost } of [end.sum, end.sum_bidir_reverse]) {
      expect(packets).toBeGreaterThan(1_000);
      expect(lost).toBeLessThan(1);
    }
  });

  /** Of one commit with a file of some length. @returns its path. */
  const gitRepository = async (): Promise<string> => {
    const path = join(folder, `source-${repositories++}`);
    await run('git', 'init', '-q', '-b', 'main', path);
    writeFileSync(join(path, 'data.bin'), randomBytes(3_000_000));
    await commit(path);
    return path;
  };
  let repositories = 0;
  const commit = async (path: string) => {
    const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
    await run('git', '-C', path, 'add', '.');
    await run('git', '-C', path, ...who, 'commit', '-qm', 'a commit');
  };
  const headOf = async (path: string) => (await run('git', '-C', path, 'rev-parse', 'HEAD')).stdout;
});
