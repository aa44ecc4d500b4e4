/** Proves node-agents/os/urgent-data.ts: what was sent as urgent is read where it stands in the stream. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { native } from '#node-agents/os/ffi.ts';
import { readUrgentInLine } from '#node-agents/os/urgent-data.ts';

const MSG_OOB = 1;

test.skipIf(process.platform !== 'linux').each([
  ['a listener’s connections', true],
  ['one socket', false],
])('of %s', async (_, byListener) => {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ pauseOnConnect: true }, accepted.resolve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  if (byListener) readUrgentInLine(server);
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const far = await accepted.promise;
  if (!byListener) readUrgentInLine(far);
  await new Promise((written) => near.write('abc', written));
  const { fd } = (near as unknown as { _handle: { fd: number } })._handle;
  expect(native().send(fd, Buffer.from('!'), 1n, MSG_OOB)).toBe(1);
  near.end('def');
  expect(await text(far)).toBe('abc!def');
  server.close();
});

test('what is closed is left alone', () => {
  expect(() => readUrgentInLine(createServer())).not.toThrow();
});
