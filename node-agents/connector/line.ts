/**
 * What UDP and ICMP associations have in common at the Connector (`datagrams.ts`, `echo.ts`): the end by
 * idleness, the end by either side, and what `live-flow.ts` is told of it.
 */
import type { ErrorCode } from '#schema/errors.ts';
import type { Flow } from '../link/tunnel/flow.ts';
import type { Joined } from './forward.ts';
import { limits } from './limits.ts';

export interface JoinedLine extends Joined {
  /** A datagram has passed. */
  moved(): void;
}

/** @param close ends what stands at the far side; called once. */
export function joinLine(
  flow: Flow,
  close: () => void,
  idleMs: number = limits.associationIdleMs,
): JoinedLine {
  let unused = 0;
  let told: ErrorCode | undefined;
  // Up to half the time late, instead of a timer that is set anew for each datagram.
  const idle = setInterval(() => {
    if (unused++ === 2) flow.destroy();
  }, idleMs / 2).unref();
  flow.on('end', () => flow.end());
  flow.resume();
  const done = new Promise<ErrorCode | undefined>((resolve) => {
    flow.once('close', () => {
      clearInterval(idle);
      close();
      // The end of an association is never a failure by itself: nobody could tell.
      resolve(told ?? (flow.code === 'cancelled' ? undefined : flow.code));
    });
  });
  return {
    done,
    moved() {
      unused = 0;
    },
    cut(code) {
      told ??= code;
      flow.reset(code);
    },
    get bytesUp() {
      return flow.bytesUp;
    },
    get bytesDown() {
      return flow.bytesDown;
    },
    halfClosed: false,
  };
}
