/**
 * Tells the log of refused flows, each with its code, and is brief when there are many: a port scan must fill
 * no disk, and no flow has to wait for its lines to be written. Used by `flow.ts`; events say the rest.
 */
import type { Log } from '#node-agents/process/log.ts';
import type { ErrorCode } from '#schema/errors.ts';

/** Lines in `windowMs`; of what comes beyond, one line tells how many. */
const mostLines = 20;
const windowMs = 1_000;

export function tellRefusals(log: Pick<Log, 'info'>): (connection: string, code: ErrorCode) => void {
  let lines = 0;
  let more: Partial<Record<ErrorCode, number>> = {};
  const endWindow = () => {
    if (lines > mostLines) log.info('flows_refused', { more });
    lines = 0;
    more = {};
  };
  return (connection, code) => {
    if (lines === 0) setTimeout(endWindow, windowMs).unref();
    if (++lines <= mostLines) log.info('flow_refused', { connection, code });
    else more[code] = (more[code] ?? 0) + 1;
  };
}
