/**
 * Tells systemd how the daemon stands (sd_notify(3)): one datagram per news to the Unix socket that it named at
 * the start. A unit of `Type=notify` waits for `ready`; `systemctl status` shows the words. Node itself has no
 * Unix sockets for datagrams. `sallyportd.ts` makes `Host.tell` of it.
 */
import type { News } from '#node-agents/process/host.ts';
import { native } from './ffi.ts';

/**
 * @param socket NOTIFY_SOCKET: a path, or `@` and an abstract name.
 * @throws SallyportError tun_unavailable without foreign functions.
 */
export function notifySystemd(socket: string, news: News): void {
  const os = native();
  const fd = os.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  const address = unixAddress(socket);
  const text = Buffer.from(stateOf(news));
  // Nobody may be there any more; then nobody waits for it either.
  os.sendto(fd, text, BigInt(text.length), MSG_NOSIGNAL, address, address.length);
  os.close(fd);
}

/** As sd_notify(3) wants it: one assignment a line. */
export function stateOf({ ready, stopping, status }: News): string {
  return [
    ...(ready ? ['READY=1'] : []),
    ...(stopping ? ['STOPPING=1'] : []),
    ...(status === undefined ? [] : [`STATUS=${status.replaceAll('\n', ' ')}`]),
  ].join('\n');
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/** `struct sockaddr_un` of unix(7); an abstract name begins with a zero byte and ends with the address. */
function unixAddress(socket: string): Buffer<ArrayBuffer> {
  const path = Buffer.from(socket.startsWith('@') ? `\0${socket.slice(1)}` : `${socket}\0`);
  const address = Buffer.alloc(2 + path.length);
  address.writeUInt16LE(AF_UNIX);
  path.copy(address, 2);
  return address;
}
