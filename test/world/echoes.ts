/**
 * Pings from many sockets at once, as `ping` would, but for its patience: that takes an answer that is later than
 * twice the slowest before it for lost (iputils, `__schedule_exit`), and on a busy machine it is not. Needs
 * `net.ipv4.ping_group_range`. Prints how many were sent, answered whole, answered twice and refused.
 *
 *   node echoes.ts <sockets> <echoes of each> <milliseconds between two> <address or name>…
 */
import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPingSocket, type PingSocket } from '#node-agents/os/ping-socket.ts';
import { parseIp } from '#schema/name/ip.ts';

const [sockets, echoes, everyMs] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const hosts = process.argv.slice(5);
const patienceMs = 15_000;

const told = { sent: 0, answered: 0, twice: 0, wrong: 0, errors: 0, unsent: 0 };
const all: { socket: PingSocket; waiting: Set<number> }[] = [];
const done = Promise.withResolvers<void>();

for (let i = 0; i < sockets; i++) {
  const { address } = await lookup(hosts[i % hosts.length]!);
  const waiting = new Set<number>();
  const opened = openPingSocket(parseIp(address)!, {
    onReply(sequence, payload) {
      if (payload.toString() !== payloadOf(i, sequence)) told.wrong++;
      else if (waiting.delete(sequence)) told.answered++;
      else told.twice++;
      if (told.answered === sockets * echoes) done.resolve();
    },
    onError: () => told.errors++,
  });
  if (!opened.ok) throw new Error(opened.detail ?? opened.code);
  all.push({ socket: opened.socket, waiting });
}
for (let sequence = 0; sequence < echoes; sequence++) {
  for (const [i, { socket, waiting }] of all.entries()) {
    waiting.add(sequence);
    if (socket.send(sequence, Buffer.from(payloadOf(i, sequence)))) told.sent++;
    else told.unsent++;
  }
  await sleep(everyMs);
}
await Promise.race([done.promise, sleep(patienceMs)]);
console.log(JSON.stringify(told));
process.exit();

function payloadOf(socket: number, sequence: number): string {
  return `echo ${sequence} of ${socket}`.padEnd(56, '.');
}
