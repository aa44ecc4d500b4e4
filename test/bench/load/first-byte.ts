/**
 * The shortest a program can take from its start to a first byte of the origin: a bare Node process that
 * asks it directly. What the Client's cold start is compared with.
 */
import { connect } from 'node:net';
import { request } from './page.ts';

const [host, port] = process.argv.slice(2) as [string, string];
const socket = connect(Number(port), host, () => socket.write(request(`${host}:${port}`, 'origin')));
socket.once('data', () => {
  process.stdout.write('first byte\n', () => process.exit());
});
