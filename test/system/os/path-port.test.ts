/** Proves node-agents/os/path-port.ts: many connections from one port, and a door that only some can see. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { openPathPort, openPathPorts } from '#node-agents/os/path-port.ts';
import { stand } from './ground.ts';
import { whyNoHost } from './host.ts';

const reason = whyNoHost();
if (reason) console.warn(`skipped: ${reason}`);

const families = [
  { family: 4, own: '10.1.0.1', far: '10.1.0.2', stranger: '10.1.0.3' },
  { family: 6, own: 'fd01::1', far: 'fd01::2', stranger: 'fd01::3' },
] as const;

describe.skipIf(reason)('a port for direct paths', () => {
  const ground = stand();

  /** What becomes of a connection from the far end; `silence`: nothing in a while. */
  const knock = (address: string, port: number, from: string) =>
    ground.host.atFarEnd(async () => {
      const socket = connect({ host: address, port, localAddress: from });
      const heard = await Promise.race([
        once(socket, 'connect').then(() => 'connected'),
        new Promise<string>((late) => setTimeout(late, 600, 'silence')),
      ]).catch((error) => (error as NodeJS.ErrnoException).code);
      socket.destroy();
      return heard;
    });

  test.for(families)('carries several connections, version $family', async ({ family, far }) => {
    const seen: number[] = [];
    const listeners = await ground.host.atFarEnd(async () => {
      const made = [0, 0].map(() =>
        createServer((socket) => void seen.push(socket.remotePort!)).listen(0, far),
      );
      await Promise.all(made.map((server) => once(server, 'listening')));
      return made;
    });
    for (const server of listeners) ground.later(server);
    const port = ground.later(openPathPort(family)!);
    const sockets: Socket[] = listeners.map((server) =>
      port.connect({ address: far, port: (server.address() as { port: number }).port }),
    );
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    expect(sockets.map(({ localPort }) => localPort)).toEqual([port.port, port.port]);
    await expect.poll(() => seen).toEqual([port.port, port.port]);
    const again = port.connect({ address: far, port: sockets[0]!.remotePort! });
    const [error] = await once(again, 'error');
    expect(error).toMatchObject({ code: 'EADDRNOTAVAIL' });
    for (const socket of sockets) socket.destroy();
  });

  test.for(families)(
    'meets who dials it later, in spite of resets, version $family',
    async ({ family, own, far }) => {
      const port = ground.later(openPathPort(family)!);
      const theirs = await ground.host.atFarEnd(async () => openPathPort(family)!);
      ground.later(theirs);
      const heedful = port.connect({ address: far, port: theirs.port });
      expect((await once(heedful, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' });
      const deaf = port.connect({ address: far, port: theirs.port }, true);
      const met = once(deaf, 'connect');
      // The kernel has answered by a reset long before.
      await new Promise((later) => setTimeout(later, 100));
      const dialled = await ground.host.atFarEnd(async () =>
        theirs.connect({ address: own, port: port.port }),
      );
      await Promise.all([met, once(dialled, 'connect')]);
      const lost = once(deaf, 'error');
      dialled.resetAndDestroy();
      expect((await lost)[0]).toMatchObject({ code: 'ECONNRESET' });
    },
  );

  test.for(families)(
    'lets in whom it is told, version $family, and shows itself to nobody else',
    async (at) => {
      const { family, own, far, stranger } = at;
      const length = family === 4 ? 24 : 64;
      ground.host.run(`ip addr add ${stranger}/${length} dev cable ${family === 6 ? 'nodad' : ''}`, 'far');
      const port = ground.later(openPathPort(family)!);
      expect(await knock(own, port.port, far)).toBe('ECONNREFUSED');
      const guests: (string | undefined)[] = [];
      const others = family === 4 ? ['192.0.2.1'] : ['2001:db8::1', 'fd01::2:0:0:2'];
      expect(
        port.listen(
          [...others, far],
          (socket) => void guests.push(socket.on('error', () => {}).remoteAddress),
        ),
      ).toBe(true);
      expect(await knock(own, port.port, far)).toBe('connected');
      expect(await knock(own, port.port, stranger)).toBe('silence');
      await expect.poll(() => guests).toEqual([far]);
      // It also still dials.
      const out = port.connect({ address: far, port: 9 });
      expect((await once(out, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' });
      port.close();
      expect(await knock(own, port.port, far)).toBe('ECONNREFUSED');
      ground.host.run(`ip addr del ${stranger}/${length} dev cable`, 'far');
    },
  );

  test('does not listen where it is told of nobody, and is there in each family', () => {
    const ports = openPathPorts();
    for (const port of ports) ground.later(port);
    expect(ports.map(({ family }) => family)).toEqual([4, 6]);
    expect(ports[0]!.listen([], () => {})).toBe(false);
    expect(ports[0]!.listen(['fd01::2', 'x'], () => {})).toBe(false);
    expect(ground.host.run('ss -Hltn')).not.toContain(`:${ports[0]!.port} `);
  });
});
