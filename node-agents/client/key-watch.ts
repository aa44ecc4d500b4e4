/**
 * Notices that a Service Key file has changed: by the folder's notifications (a file that is replaced, or a
 * mounted secret whose symbolic link moves, is another file) and by looking now and then, where a file
 * system does not notify. Contents are compared, so a mere touch is no change.
 */
import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const lookEveryMs = 10_000;
/** Writers that do not rename take a moment. */
const settleMs = 200;

/** @returns stops. */
export function watchKeyFile(path: string, onChange: () => void): () => void {
  let known: string | undefined;
  let settling: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async () => {
    const now = await digestOf(path);
    if (stopped || now === undefined || now === known) return;
    const changed = known !== undefined;
    known = now;
    if (changed) onChange();
  };
  const soon = () => {
    clearTimeout(settling);
    settling = setTimeout(() => void look(), settleMs).unref();
  };
  void look();
  const poll = setInterval(() => void look(), lookEveryMs).unref();
  const watcher = watchFolder(dirname(path), soon);
  return () => {
    stopped = true;
    clearTimeout(settling);
    clearInterval(poll);
    watcher?.close();
  };
}

function watchFolder(folder: string, onEvent: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined; // No notifications here (limits, file systems): looking now and then remains.
  }
}

async function digestOf(path: string): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  } catch {
    return undefined;
  }
}
