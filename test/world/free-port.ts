/**
 * A port that nothing listens on at the moment: for a server that must know its own URL before it starts. It is
 * below those that the system gives to connections, which would take it before the server is there; and what runs
 * beside this process takes other ones.
 */
import { createServer } from 'node:net';

const first = 10_240;
const behind = 32_768;
/** So many files may run at once, each with every so many-th port. */
const files = 4;
const own = Number(process.env.VITEST_POOL_ID ?? 0) % files;
let next = first + own + files * Math.floor((Math.random() * (behind - first)) / files);

export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = next;
    next = port + files < behind ? port + files : first + own;
    if (await isFree(host, port)) return port;
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}
