/** An `Open` for tests of the listeners alone: straight TCP to loopback, refusals by host name. */
import { once } from 'node:events';
import { connect, type Server } from 'node:net';
import type { FlowRequest, Open } from '#node-agents/client/opening.ts';
import { type ErrorCode, isErrorCode } from '#schema/errors.ts';

export interface StandIn {
  open: Open;
  asked: FlowRequest[];
}

/** `port_denied.test` is refused with that code; every other name is this machine. */
export function standIn(): StandIn {
  const asked: FlowRequest[] = [];
  let count = 0;
  return {
    asked,
    async open(request) {
      asked.push(request);
      const connection = `cnx_${++count}`;
      const { host, port } = request.destination;
      const code = host.replace('.test', '');
      if (isErrorCode(code)) return { ok: false, code: code as ErrorCode, connection };
      const stream = connect({ host: '127.0.0.1', port: port!, allowHalfOpen: true });
      try {
        await once(stream, 'connect');
        return { ok: true, connection, stream };
      } catch {
        return { ok: false, code: 'connection_refused', connection };
      }
    },
  };
}

/** @returns the port. */
export async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}
