/**
 * The TUN device: the packets that the host routes into it are read here, and those written here arrive at
 * the host. It takes and gives segmentation offloads (IFF_VNET_HDR with TSO), so that one read is up to 64 KiB
 * of a TCP stream; before each packet stand the ten bytes of virtio_net_hdr (virtio 1.2 §5.1.6) that
 * `schema/packet` reads. Routes into it are set by `routes.ts`; it vanishes with the process.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { SallyportError } from '#schema/errors.ts';
import { virtioHeaderBytes } from '#schema/packet/virtio.ts';
import { errno, wordsOf } from './errno.ts';
import { native } from './ffi.ts';
import { watchReadable } from './readiness.ts';

/** Of the Client's device: one to a host. */
export const deviceName = 'sallyport0';

/** The longest frame, its header included, rounded up. */
export const longestFrame = 65_552;

export interface TunDevice {
  readonly name: string;
  /** Frames that the kernel did not take: no memory, or the interface is down. */
  readonly dropped: number;
  /**
   * @param frame virtio_net_hdr, then one IP packet; `length` bytes of it, else all.
   * @returns whether the kernel took it.
   */
  write(frame: Uint8Array, length?: number): boolean;
  close(): void;
}

export interface TunOptions {
  /** At most 15 characters; a `%d` in it is replaced by a free number. */
  name: string;
  /**
   * @param frame the same buffer each time, overwritten after the call returns: what is kept must be copied.
   *   It may be changed and written back within the call.
   * @param length bytes of it that are the frame, at least 10 and an IP header's first byte.
   */
  onFrame(frame: Buffer<ArrayBuffer>, length: number): void;
  /** After each run of frames, before the loop goes on: where writes that were gathered are let go. */
  onDrained?(): void;
  /** The device was deleted by somebody else; it is closed already. */
  onLost(error: SallyportError): void;
}

/** @throws SallyportError `tun_unavailable`, with what is missing. */
export function openTunDevice(options: TunOptions): TunDevice {
  const os = native();
  const fd = openNode();
  let name: string;
  try {
    name = attach(fd, options.name);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const frame = Buffer.alloc(longestFrame);
  const room = BigInt(longestFrame);
  let open = true;
  let dropped = 0;

  const readSome = () => {
    for (let left = mostAtOnce; left > 0 && open; left--) {
      const length = os.read(fd, frame, room);
      if (length < 0) {
        const code = os.errno();
        if (code !== errno.EAGAIN && code !== errno.EINTR) lose(wordsOf(code));
        break;
      }
      if (length > virtioHeaderBytes) options.onFrame(frame, length);
    }
    options.onDrained?.();
  };
  const close = () => {
    if (!open) return;
    open = false;
    watched.close();
    closeSync(fd);
  };
  const lose = (words: string) => {
    close();
    options.onLost(new SallyportError('tun_lost', `the interface ${name} went away (${words})`));
  };
  const watched = watchReadable(fd, readSome);

  return {
    name,
    get dropped() {
      return dropped;
    },
    write(bytes, length = bytes.length) {
      if (open && length <= bytes.length && os.write(fd, bytes, BigInt(length)) >= 0) return true;
      dropped++;
      return false;
    },
    close,
  };
}

/** Frames read before other work gets its turn. */
const mostAtOnce = 64;

const node = '/dev/net/tun';

function openNode(): number {
  try {
    return openSync(node, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why: Record<string, string> = {
      ENOENT: `${node} is missing (in a container: --device ${node})`,
      ENODEV: `the kernel has no TUN driver (modprobe tun)`,
      EACCES: `${node} may not be opened by this user`,
      EPERM: `${node} may not be opened here (in a container: --device ${node})`,
    };
    throw new SallyportError('tun_unavailable', why[code ?? ''] ?? `${node}: ${code}`, { cause });
  }
}

const TUNSETIFF = 0x400454can;
const TUNSETOFFLOAD = 0x400454d0n;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const offloads = 0x01 /* TUN_F_CSUM */ | 0x02 /* TUN_F_TSO4 */ | 0x04; /* TUN_F_TSO6 */

/** @returns the name that the kernel gave. */
function attach(fd: number, wanted: string): string {
  if (!/^[\w.%-]{1,15}$/.test(wanted))
    throw new SallyportError(
      'config_invalid',
      `${wanted} is no name for an interface (at most 15 characters)`,
    );
  const os = native();
  const request = Buffer.alloc(40); // struct ifreq
  request.write(wanted, 'latin1');
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, 16);
  if (os.ioctl(fd, TUNSETIFF, request) < 0) {
    const code = os.errno();
    throw new SallyportError('tun_unavailable', whyNot(code, wanted));
  }
  // By value: the pointer-sized argument is the set of flags itself.
  if (os.ioctl(fd, TUNSETOFFLOAD, BigInt(offloads)) < 0)
    throw new SallyportError('tun_unavailable', `offloads of the TUN device: ${wordsOf(os.errno())}`);
  return request.toString('latin1', 0, request.indexOf(0));
}

function whyNot(code: number, name: string): string {
  if (code === errno.EPERM) return 'CAP_NET_ADMIN is missing (in a container: --cap-add NET_ADMIN)';
  if (code === errno.EBUSY) return `the interface ${name} is in use by another process`;
  if (code === errno.EINVAL) return `${name} is an interface of another kind`;
  return `the interface ${name}: ${wordsOf(code)}`;
}
