/**
 * TCP through `--tun on` is TCP: how a connection fails to come about, how it ends from either side, and what
 * is under way meanwhile, as program and server see it. Most programs are sockets of this process in the
 * Client's namespace.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces } from '../world/namespaces.ts';

const why = Namespaces.unavailable;
const { server, server6 } = addresses;
const closed = 81;
const silent = 7_777;
/** More than every buffer on the way holds. */
const bulk = 48 * 1024 * 1024;

/** Host, port, family, and what connect(2) says. */
const cases: [string, number, 4 | 6, string][] = [
  ['tcp.corp.test', closed, 4, 'ECONNREFUSED'],
  ['tcp.corp.test', closed, 6, 'ECONNREFUSED'],
  ['tcp6.corp.test', closed, 4, 'ECONNREFUSED'],
  ['tcp6.corp.test', closed, 6, 'ECONNREFUSED'],
  [server, closed, 4, 'ECONNREFUSED'],
  [server6, closed, 6, 'ECONNREFUSED'],
  ['10.66.0.99', 80, 4, 'EHOSTUNREACH'],
  ['gone.corp.test', 80, 6, 'EHOSTUNREACH'],
  ['fd66::99', 80, 6, 'EHOSTUNREACH'],
  [server, silent, 4, 'EHOSTUNREACH'],
  [server6, silent, 6, 'EHOSTUNREACH'],
];

describe.skipIf(why !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let stopClient = async () => {};
  let failures: Promise<string[]>;

  beforeAll(async () => {
    internet = await openInternet();
    const names = { 'tcp.corp.test': server, 'tcp6.corp.test': server6, 'gone.corp.test': '10.66.0.99' };
    for (const [name, address] of Object.entries(names)) internet.privateDns.names.set(name, [address]);
    const drop = `table inet silent { chain input { type filter hook input priority 0; tcp dport ${silent} drop; }; }`;
    expect(await internet.run('private', 'nft', drop)).toMatchObject({ code: 0 });
    const resources = [];
    for (const address of [...Object.keys(names), '10.66.0.0/24', 'fd66::/64'])
      resources.push((await internet.resource(address)).id);
    const { key } = await internet.world.createService('tcp', resources);
    const client = await internet.world.startClient(key, {
      proxyHost: '127.0.0.1',
      prefix: internet.net.prefix('client'),
      args: ['--tun', 'on'],
    });
    stopClient = () => client.stop();
    // The slowest takes as long as a Connector tries.
    failures = Promise.all(cases.map(([host, port, family]) => errnoOf(host, port, family)));
  }, 120_000);

  afterAll(async () => {
    await stopClient();
    await internet?.stop();
  });

  const errnoOf = async (host: string, port: number, family: number) => {
    const options = JSON.stringify({ host, port, family, autoSelectFamily: false });
    const program = `require('net').connect(${options}).on('error', (e) => console.log(e.code)).on('connect', () => process.exit())`;
    return (await internet.run('client', process.execPath, '-e', program)).stdout.trim();
  };
  /** A connection through the Client: the program's end, and the server's. */
  const pair = async (address: string): Promise<{ program: Socket; far: Socket }> => {
    const accepted = Promise.withResolvers<Socket>();
    const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, accepted.resolve);
    const port = await internet.listen('private', listener, address);
    const program = await internet.net.within('client', async () => {
      const socket = connect({ host: address, port, allowHalfOpen: true });
      // The system's socket is made in the next tick.
      await new Promise(process.nextTick);
      return socket;
    });
    await once(program, 'connect');
    const far = await accepted.promise;
    for (const socket of [program, far]) socket.on('error', () => {});
    return { program, far };
  };
  const read = (socket: Socket): Promise<string> => {
    const hash = createHash('sha256');
    let bytes = 0;
    socket.on('data', (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    socket.resume();
    return once(socket, 'end').then(
      () => `${bytes} bytes ${hash.digest('hex')}`,
      (error: NodeJS.ErrnoException) => `${error.code} after ${bytes > 0 ? 'some' : 'no'} bytes`,
    );
  };
  const random = randomBytes(1024 * 1024);
  /** Writes so many bytes and says that nothing follows. @returns what the reader has to say. */
  const write = async (socket: Socket, bytes: number): Promise<string> => {
    const hash = createHash('sha256');
    for (let left = bytes; left > 0; left -= random.length) {
      const chunk = random.subarray(0, Math.min(left, random.length));
      hash.update(chunk);
      if (!socket.write(chunk)) await once(socket, 'drain');
    }
    socket.end();
    return `${bytes} bytes ${hash.digest('hex')}`;
  };
  /** Resolves once nothing more of it can be sent. */
  const stuck = async (socket: Socket): Promise<void> => {
    let before = -1;
    await expect
      .poll(
        () => {
          const waiting = socket.writableLength;
          const same = waiting > 0 && waiting === before;
          before = waiting;
          return same;
        },
        { timeout: 20_000, interval: 300 },
      )
      .toBe(true);
  };

  describe.each([
    ['v4', server],
    ['v6', server6],
  ])('over %s', (_, address) => {
    test('the program’s end leaves the other direction open', async () => {
      const { program, far } = await pair(address);
      const sent = write(program, 2_000_000);
      expect(await read(far)).toBe(await sent);
      const answered = write(far, 3_000_000);
      expect(await read(program)).toBe(await answered);
      await expect.poll(() => far.closed).toBe(true);
    });

    test('the server’s end leaves the other direction open', async () => {
      const { program, far } = await pair(address);
      const sent = write(far, 2_000_000);
      expect(await read(program)).toBe(await sent);
      const answered = write(program, 3_000_000);
      expect(await read(far)).toBe(await answered);
      await expect.poll(() => program.closed).toBe(true);
    });

    test('a reset by the server is a reset for the program', async () => {
      const { program, far } = await pair(address);
      far.write('some');
      await once(program, 'data');
      const heard = read(program);
      far.resetAndDestroy();
      expect(await heard).toBe('ECONNRESET after no bytes');
    });

    test('a reset by the program is a reset for the server', async () => {
      const { program, far } = await pair(address);
      program.write('some');
      await once(far.resume(), 'data');
      const heard = read(far);
      program.resetAndDestroy();
      expect(await heard).toBe('ECONNRESET after no bytes');
    });

    test('both send a lot at the same time', async () => {
      const { program, far } = await pair(address);
      const all = await Promise.all([write(program, bulk), read(far), write(far, bulk), read(program)]);
      expect([all[1], all[3]]).toEqual([all[0], all[2]]);
    });

    test('who does not read for a while loses nothing, and stops who writes', async () => {
      const { program, far } = await pair(address);
      for (const [from, to] of [
        [program, far],
        [far, program],
      ] as const) {
        const sent = write(from, bulk);
        await stuck(from);
        expect(from.bytesWritten - from.writableLength).toBeLessThan(bulk);
        expect(await read(to)).toBe(await sent);
      }
    });

    test('a reset reaches a server that had stopped reading, behind what it had been sent', async () => {
      const { program, far } = await pair(address);
      void write(program, bulk).catch(() => {});
      await stuck(program);
      program.resetAndDestroy();
      const established = ['-Htn', 'state', 'established', `sport = :${far.localPort}`];
      await expect
        .poll(async () => (await internet.run('private', 'ss', ...established)).stdout, { timeout: 10_000 })
        .toBe('');
      expect(await read(far)).toBe('ECONNRESET after some bytes');
    });
  });

  test('a program that is killed leaves its server in no doubt', async () => {
    const accepted = Promise.withResolvers<Socket>();
    const port = await internet.listen('private', createServer(accepted.resolve), server);
    const program = `require('net').connect(${port}, '${server}', function () { this.write('here'); })
      .on('data', () => process.kill(process.pid, 'SIGKILL'))`;
    const ran = internet.run('client', process.execPath, '-e', program);
    const far = await accepted.promise;
    far.on('error', () => {});
    await once(far, 'data');
    far.write('go');
    await once(far, 'close');
    await ran;
  });

  test.each([
    ['the program', 'client'],
    ['the server', 'private'],
  ] as const)('an urgent byte of %s stays where it was in the stream', async (_, by) => {
    // Neither Node nor nc can send one.
    const urgent = `use Socket; send($s, "abc", 0); send($s, "!", MSG_OOB); send($s, "def", 0);
      shutdown($s, 1); my ($all, $part) = ("", ""); $all .= $part while sysread($s, $part, 100); print $all;`;
    if (by === 'client') {
      const accepted = Promise.withResolvers<Socket>();
      const port = await internet.listen(
        'private',
        createServer({ allowHalfOpen: true }, accepted.resolve),
        server,
      );
      const script = `use IO::Socket::INET; my $s = IO::Socket::INET->new("${server}:${port}") or die; ${urgent}`;
      const ran = internet.run('client', 'perl', '-e', script);
      const far = await accepted.promise;
      let got = '';
      far.on('data', (chunk) => {
        got += chunk;
      });
      await once(far, 'end');
      expect(got).toBe('abc!def');
      far.end('answered');
      expect((await ran).stdout).toBe('answered');
      return;
    }
    const script = `use IO::Socket::INET; my $l = IO::Socket::INET->new(LocalAddr => "${server}:7001", Listen => 1, ReuseAddr => 1) or die; my $s = $l->accept; ${urgent}`;
    const ran = internet.run('private', 'perl', '-e', script);
    await expect.poll(async () => (await internet.run('private', 'ss', '-ltn')).stdout).toContain(':7001');
    const asked = await internet.run('client', 'sh', '-c', `echo answered | nc -N ${server} 7001`);
    expect(asked.stdout).toBe('abc!def');
    expect((await ran).stdout).toBe('answered\n');
  });

  test('a connection that does not come about fails as it would there, in seconds', async () => {
    const found = await failures;
    expect(cases.map(([host, port, family], i) => [host, port, family, found[i]])).toEqual(cases);
  });
});
