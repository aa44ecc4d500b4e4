/**
 * TCP and UDP forwarded as plainly as Node has it, a process of its own: what a proxy in Node costs at the
 * least. Prints `{"event":"ready","ports":{…}}`: where it listens, by the port that it forwards to.
 *
 *   node plain-forwarder.ts <listen address> <target address> <target port>…
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

const [listen, host, ...targets] = process.argv.slice(2) as [string, string, ...string[]];
const ports: Record<string, number> = {};
for (const target of targets) ports[target] = await forward(Number(target));
process.stdout.write(`${JSON.stringify({ event: 'ready', ports })}\n`);

async function forward(target: number): Promise<number> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ port: target, host, allowHalfOpen: true, noDelay: true });
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.listen({ host: listen, port: 0, backlog: 4_096 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  forwardDatagrams(port, target);
  return port;
}

/** On the same port: iperf3 speaks both. */
function forwardDatagrams(port: number, target: number): void {
  const fars = new Map<number, Socket>();
  const near = createSocket({ type: 'udp4', recvBufferSize: 2 ** 21 });
  near.on('message', (bytes, from) => {
    const far = fars.get(from.port);
    if (far) return far.send(bytes);
    const made = createSocket('udp4').on('message', (answer) => near.send(answer, from.port, from.address));
    made.on('error', () => {});
    fars.set(from.port, made);
    made.connect(target, host, () => made.send(bytes));
  });
  near.bind(port, listen);
}
