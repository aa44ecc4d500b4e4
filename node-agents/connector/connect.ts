/**
 * A TCP connection to a destination: to the first of its addresses that accepts. `resolve.ts` has said which
 * are allowed; `forward.ts` joins what comes back to the flow.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { refuse, type Verdict } from '#schema/errors.ts';
import type { Ip } from '#schema/name/ip.ts';
import { connectFirst } from '../link/connect-first.ts';
import { codeOfSocketError } from '../link/socket-error.ts';
import { limits } from './limits.ts';

export type ConnectVerdict = Verdict<{ socket: Socket; address: string }>;

/** Resolves, never rejects. Once `signal` is aborted nothing stays open. */
export async function connect(
  addresses: readonly Ip[],
  port: number,
  signal: AbortSignal,
  { connectMs, connectStaggerMs }: { connectMs: number; connectStaggerMs: number } = limits,
): Promise<ConnectVerdict> {
  const dial = (host: string) => connectTcp({ host, port, noDelay: true, allowHalfOpen: true });
  try {
    return {
      ok: true,
      ...(await connectFirst({ addresses, dial, connectMs, connectStaggerMs, signal })),
    };
  } catch (error) {
    return refuse(codeOfSocketError(error as Error));
  }
}
