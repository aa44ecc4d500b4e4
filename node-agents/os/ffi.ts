/**
 * The C library and libuv, called through Node's own `node:ffi`: the only door to what Node does not offer
 * itself (TUN devices, socket options, raw and ping sockets, readiness of a file descriptor). Buffers are
 * passed as views, never as raw addresses: an address does not keep its buffer from being collected.
 * Everything else in this folder that is not a command (`ip.ts`) goes through here.
 */
import { SallyportError } from '#schema/errors.ts';

// biome-ignore format: a table reads best with one row a line
const definitions = {
  __errno_location: { arguments: [], return: 'pointer' },
  // Lengths are returned as 32 bits: none of ours is longer, and a bigint would be made for each call.
  read: { arguments: ['i32', 'pointer', 'u64'], return: 'i32' },
  write: { arguments: ['i32', 'pointer', 'u64'], return: 'i32' },
  ioctl: { arguments: ['i32', 'u64', 'pointer'], return: 'i32' },
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'u32'], return: 'i32' },
  getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
  bind: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  getsockname: { arguments: ['i32', 'pointer', 'pointer'], return: 'i32' },
  connect: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  send: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i32' },
  recv: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i32' },
  sendto: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'u32'], return: 'i32' },
  if_nametoindex: { arguments: ['pointer'], return: 'u32' },
  calloc: { arguments: ['u64', 'u64'], return: 'pointer' },
  free: { arguments: ['pointer'], return: 'void' },
  uv_handle_size: { arguments: ['i32'], return: 'u64' },
  uv_poll_init: { arguments: ['pointer', 'pointer', 'i32'], return: 'i32' },
  uv_poll_start: { arguments: ['pointer', 'i32', 'pointer'], return: 'i32' },
  uv_poll_stop: { arguments: ['pointer'], return: 'i32' },
  uv_close: { arguments: ['pointer', 'pointer'], return: 'void' },
} as const;

type Ffi = typeof import('node:ffi');
type Library = ReturnType<typeof load>;

export interface Native extends Readonly<Library['functions']> {
  readonly ffi: Ffi;
  readonly lib: Library['lib'];
  /** Of the call just made: ask before anything else is called. */
  errno(): number;
}

let loaded: Native | undefined;

/** @throws SallyportError `tun_unavailable` where there is no Linux or no `node:ffi`. */
export function native(): Native {
  loaded ??= open();
  return loaded;
}

function open(): Native {
  if (process.platform !== 'linux')
    throw new SallyportError('tun_unavailable', `this needs Linux; the host is ${process.platform}`);
  const ffi = quietly(() => process.getBuiltinModule('node:ffi') as Ffi | undefined);
  if (!ffi) throw new SallyportError('tun_unavailable', `node:ffi is missing in Node ${process.version}`);
  const { functions, lib } = loadFrom(ffi);
  const location = functions.__errno_location();
  const { getInt32 } = ffi;
  return Object.assign(Object.create(null) as object, functions, {
    ffi,
    lib,
    errno: () => getInt32(location, 0),
  }) as Native;
}

function loadFrom(ffi: Ffi): Library {
  try {
    return load(ffi);
  } catch (cause) {
    const forbidden = (cause as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED';
    const why = forbidden
      ? 'node:ffi is forbidden (start node with --allow-ffi)'
      : `node:ffi: ${(cause as Error).message}`;
    throw new SallyportError('tun_unavailable', why, { cause });
  }
}

const load = (ffi: Ffi) => quietly(() => ffi.dlopen(null, definitions));

/** Node warns on first use that FFI is experimental: nothing to whoever runs the daemon. */
function quietly<T>(work: () => T): T {
  const warn = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return work();
  } finally {
    process.emitWarning = warn;
  }
}
