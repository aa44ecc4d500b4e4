/**
 * Tells when a file descriptor can be read, by libuv's own `uv_poll`: ten times as many packets as reads on
 * the thread pool. libuv's callback runs outside of Node's scopes (no promise, no nextTick runs after it), so
 * it only asks for `setImmediate`, and polling rests until that has run.
 */
import { isMainThread } from 'node:worker_threads';
import { SallyportError } from '#schema/errors.ts';
import { wordsOf } from './errno.ts';
import { native } from './ffi.ts';

export interface Watched {
  /** The descriptor itself is the caller’s to close, after this. */
  close(): void;
}

const uvPoll = 8;
const readable = 1;

/**
 * @param onReadable reads what is there, or some of it: it is called again while something is left. It is also
 *   called when the descriptor reports an error, which its read then tells; if that is for good, it must close.
 */
export function watchReadable(fd: number, onReadable: () => void): Watched {
  // An open uv_poll aborts the process when its Worker ends.
  if (!isMainThread)
    throw new SallyportError('internal_error', 'watchReadable works on the main thread only');
  const os = native();
  const handle = os.calloc(1n, os.uv_handle_size(uvPoll));
  const initialised = os.uv_poll_init(os.ffi.getCurrentEventLoop(), handle, fd);
  if (initialised < 0) {
    os.free(handle);
    throw new SallyportError('internal_error', `uv_poll_init: ${wordsOf(-initialised)}`);
  }
  let open = true;
  let asked = false;
  const drain = (status: number) => {
    asked = false;
    if (open) onReadable();
    // After an error libuv polls no more.
    if (open && status < 0) os.uv_poll_start(handle, readable, onEvent);
  };
  const onEvent = os.lib.registerCallback(
    { arguments: ['pointer', 'i32', 'i32'], return: 'void' },
    (_handle, status) => {
      if (!open || asked) return;
      asked = true;
      setImmediate(drain, status);
    },
  );
  const onClosed = os.lib.registerCallback({ arguments: ['pointer'], return: 'void' }, () => {
    // Neither callback may be unregistered while one of them runs.
    setImmediate(() => {
      os.free(handle);
      os.lib.unregisterCallback(onEvent);
      os.lib.unregisterCallback(onClosed);
    });
  });
  os.uv_poll_start(handle, readable, onEvent);
  return {
    close() {
      if (!open) return;
      open = false;
      os.uv_poll_stop(handle);
      os.uv_close(handle, onClosed);
    },
  };
}
