/** Lines for tests of associations: what a tunnel or a socket would be, in the test's hands. */
import { EventEmitter } from 'node:events';
import type { FlowRequest, Opening } from '#node-agents/client/opening.ts';
import type { DatagramLine, OpenLine } from '#node-agents/client/udp/line.ts';
import type { ErrorCode } from '#schema/errors.ts';

export class Line extends EventEmitter<{ close: [] }> implements DatagramLine {
  readonly sent: string[] = [];
  take: ((bytes: Uint8Array) => void) | undefined;
  code: ErrorCode | undefined;
  destroyed = false;
  /** Whether every datagram comes back. */
  echo = false;

  sendDatagram(bytes: Uint8Array): boolean {
    this.sent.push(Buffer.from(bytes).toString());
    if (this.echo) setImmediate(() => this.take?.(bytes));
    return true;
  }

  takeDatagrams(take: (bytes: Uint8Array) => void): void {
    this.take = take;
  }

  reset(code: ErrorCode): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.code = code;
    this.emit('close');
  }
}

export interface Asked {
  request: FlowRequest;
  line: Line;
  accept(): void;
  refuse(code: ErrorCode): void;
}

/** @param at once: everything is accepted as it is asked for, and echoes. */
export function lineOf(at: 'once' | 'will' = 'once'): { open: OpenLine; asked: Asked[] } {
  const asked: Asked[] = [];
  const open = (request: FlowRequest) =>
    new Promise<Opening<DatagramLine>>((resolve) => {
      const line = new Line();
      const connection = `cnx_${asked.length + 1}`;
      const accept = () => {
        const early = request.early?.();
        if (early) line.sendDatagram(early);
        resolve({ ok: true, connection, stream: line });
      };
      asked.push({ request, line, accept, refuse: (code) => resolve({ ok: false, code, connection }) });
      line.echo = at === 'once';
      if (at === 'once') accept();
    });
  return { open, asked };
}
