/**
 * WireGuard's own implementation in Go, a process at each end of the cable: from the program's host straight to
 * the server's, without a relay. Set up by its configuration protocol, so that no other tool is needed.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Namespaces } from '../../world/namespaces.ts';
import { eventually, Program } from '../host/program.ts';
import type { Subject } from '../measure/measure.ts';
import { find, missing, programs } from '../peers/install.ts';
import type { TransparentEnds } from './ends.ts';
import { cables } from './ground.ts';
import { viaAddress } from './subjects.ts';

const port = 51820;
/** What it takes off a path of 1,500 bytes. */
const mtu = 1_420;

interface End {
  place: 'client' | 'private';
  device: string;
  /** Inside of the tunnel, and on the cable. */
  address: string;
  outer: string;
  keys: { private: string; public: string };
}

export async function wireguard({ net }: TransparentEnds): Promise<Subject | string> {
  const absent = missing(programs.wireguard);
  if (absent !== undefined) return absent;
  const near = end('client', '10.69.0.1', cables.client.near);
  const far = end('private', '10.69.0.2', cables.client.far);
  const started: Program[] = [];
  const stop = async () => void (await Promise.all(started.map((one) => one.stop())));
  try {
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      started.push(await start(net, one, other));
    return {
      ...{ name: 'wireguard_go', title: 'wireguard-go' },
      ...viaAddress(net, far.address, { near: [started[0]!], far: [started[1]!] }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function end(place: End['place'], address: string, outer: string): End {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const hex = (key: string | undefined) => Buffer.from(key!, 'base64url').toString('hex');
  const keys = {
    private: hex(privateKey.export({ format: 'jwk' }).d),
    public: hex(publicKey.export({ format: 'jwk' }).x),
  };
  // Their control sockets are in one folder of the machine.
  return { place, device: `wg-${place}-${process.pid % 1000}`, address, outer, keys };
}

async function start(net: Namespaces, one: End, other: End): Promise<Program> {
  const command = [...net.prefix(one.place), find(programs.wireguard)!, '-f', one.device];
  const program = new Program(`wireguard-go in ${one.place}`, command, { LOG_LEVEL: 'error' });
  try {
    const settings = [
      ...['set=1', `private_key=${one.keys.private}`, `listen_port=${port}`],
      ...[`public_key=${other.keys.public}`, `endpoint=${other.outer}:${port}`],
      ...[`allowed_ip=${other.address}/32`, '', ''],
    ];
    const answer = await eventually(() => ask(`/var/run/wireguard/${one.device}.sock`, settings.join('\n')));
    if (!answer.startsWith('errno=0')) throw new Error(`wireguard-go: ${answer.trim()}`);
  } catch (error) {
    await program.stop();
    throw error;
  }
  net.ip(one.place, `addr add ${one.address}/24 dev ${one.device}`);
  net.ip(one.place, `link set ${one.device} mtu ${mtu} up`);
  return program;
}

async function ask(path: string, question: string): Promise<string> {
  const socket = createConnection(path);
  socket.end(question);
  return text(socket);
}
