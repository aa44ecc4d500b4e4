/**
 * SOCKS 5: no bytes whatever make a reader throw or use more than it was given, and the header of a datagram
 * is read as it was written.
 */
import { deepStrictEqual, ok } from 'node:assert/strict';
import { udpDestination } from '#node-agents/client/destination.ts';
import { headerLength, readHeader } from '#node-agents/client/socks5/datagram.ts';
import { readGreeting, readPassword, readRequest } from '#node-agents/client/socks5/messages.ts';
import type { Target } from './target.ts';

export const socks: Target = {
  name: 'client/socks',
  run(random) {
    const port = random.int(65_536);
    const name = Buffer.from(random.bytes(random.int(256)));
    const address = random.pick([
      Buffer.concat([Buffer.of(3, name.length), name]),
      Buffer.concat([Buffer.of(1), random.bytes(4)]),
      Buffer.concat([Buffer.of(4), random.bytes(16)]),
    ]);
    const header = Buffer.concat([Buffer.of(0, 0, 0), address, Buffer.of(port >> 8, port & 0xff)]);
    const datagram = Buffer.concat([header, random.bytes(random.int(40))]);
    deepStrictEqual(headerLength(datagram), header.length);
    deepStrictEqual(readHeader(header, header.length).port, port);
    readAll(datagram);
    for (let i = random.int(4); i >= 0; i--) datagram[random.int(datagram.length)] = random.int(256);
    readAll(datagram.subarray(0, random.int(datagram.length + 1)));
    readAll(Buffer.from(random.bytes(random.int(600))));
  },
};

function readAll(bytes: Buffer): void {
  const length = headerLength(bytes);
  ok(length <= bytes.length);
  if (length > 0) {
    const { host, port } = readHeader(bytes.subarray(0, length), length);
    udpDestination(host, port);
  }
  for (const read of [readGreeting, readPassword, readRequest]) {
    const result = read(bytes);
    if (result.state === 'whole') ok(result.used <= bytes.length);
  }
}
