/**
 * A private web application for the demo: a page on a loopback address that only processes allowed by it can
 * read. On Linux it finds out which process stands behind each connection (the socket's inode in
 * /proc/net/tcp, held among the process's open files) and resets everybody else's, so that what the demo
 * shows cannot have come by any way but the Connector.
 */

import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';

export class PrivateOrigin {
  /** The process that may connect. */
  allowedPid: number | undefined;
  /** Connections of others that were reset. */
  strangers = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      response.setHeader('content-type', 'text/plain; charset=utf-8');
      response.end(
        `Hello from the private network: ${request.method} ${request.url} reached ${request.headers.host}\n`,
      );
    });
    this.#server.on('connection', (socket) => this.#admit(socket));
  }

  static async start(address: string, port: number): Promise<PrivateOrigin> {
    const origin = new PrivateOrigin();
    origin.#server.listen(port, address);
    await once(origin.#server, 'listening');
    return origin;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #admit(socket: Socket): void {
    if (process.platform !== 'linux') return;
    if (this.allowedPid !== undefined && holds(this.allowedPid, inodeOf(socket.remotePort!))) return;
    this.strangers++;
    socket.resetAndDestroy();
  }
}

/** The inode of the socket whose local port is the given one and whose peer is this very process's listener. */
function inodeOf(port: number): string | undefined {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(local) && fields[3] === '01') return fields[9];
  }
  return undefined;
}

function holds(pid: number, inode: string | undefined): boolean {
  if (inode === undefined) return false;
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).some((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`) === `socket:[${inode}]`;
    } catch {
      return false; // Closed while we looked.
    }
  });
}
