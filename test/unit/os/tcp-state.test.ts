/** Proves node-agents/os/tcp-state.ts: a reset is seen on a socket that nobody reads. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { isClosedByKernel } from '#node-agents/os/tcp-state.ts';

test.skipIf(process.platform !== 'linux')(
  'a socket that was reset is closed, one that was half-closed is not',
  async () => {
    const accepted = Promise.withResolvers<Socket>();
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, accepted.resolve);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const near = connect({
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    const far = await accepted.promise;
    await new Promise<void>((ended) => near.end('some', ended));
    expect(isClosedByKernel(far)).toBe(false);
    near.resetAndDestroy();
    await once(near, 'close');
    await expect.poll(() => isClosedByKernel(far)).toBe(true);
    far.destroy();
    server.close();
    expect(isClosedByKernel(far)).toBe(false);
  },
);
