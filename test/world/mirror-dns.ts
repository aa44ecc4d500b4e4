/**
 * A resolver that answers each question with the question itself, so that whatever somebody in between has
 * changed is seen in the answer. A zone transfer (RFC 5936) it answers in several messages.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import { type Answer, decode, type Packet, streamEncode } from 'dns-packet';

/** Of a transfer; between them, its records. */
const messages = 5;
const recordsEach = 400;
/** The SOA stands at both ends. */
export const transferred = messages * recordsEach + 2;

/** @returns ends it. */
export async function startMirrorDns(address: string): Promise<() => void> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.on('message', (question, from) => socket.send(mirrored(question), from.port, from.address));
  socket.bind(53, address);
  const server = createServer((connection) => {
    let held = Buffer.alloc(0);
    connection.on('error', () => {});
    connection.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const question = held.subarray(2, 2 + held.readUInt16BE(0));
        held = held.subarray(2 + question.length);
        for (const answer of isTransfer(question) ? transfer(question) : [framed(mirrored(question))])
          connection.write(answer);
      }
    });
  });
  server.listen(53, address);
  await Promise.all([once(socket, 'listening'), once(server, 'listening')]);
  return () => {
    socket.close();
    server.close();
  };
}

/** What the answer to a question is. */
export function mirrored(question: Uint8Array): Buffer {
  const answer = Buffer.from(question);
  answer[2]! |= 0x80;
  return answer;
}

const isTransfer = (question: Buffer): boolean => question.includes(Buffer.of(0, 252, 0, 1));

function* transfer(question: Buffer): Generator<Buffer> {
  const { id = 0, questions = [] } = decode(question);
  const { name } = questions[0]!;
  const data = {
    mname: 'ns.example',
    rname: 'admin.example',
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum: 1,
  };
  const soa: Answer = { name, type: 'SOA', ttl: 60, data };
  for (let i = 0; i < messages; i++) {
    const answers: Answer[] = Array.from({ length: recordsEach }, (_, j) => ({
      ...{ name: `h${i}-${j}.${name}`, type: 'A', ttl: 60, data: '192.0.2.1' },
      type: 'A',
    }));
    if (i === 0) answers.unshift(soa);
    if (i === messages - 1) answers.push(soa);
    yield streamEncode({ id, type: 'response', questions, answers } as Packet);
  }
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
