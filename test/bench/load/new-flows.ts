/**
 * New flows: connect, CONNECT when there is a proxy, one small request, close; a number of them at a time.
 */
import { answersOn } from './answers.ts';
import { authority, openFlow, type Target } from './flow.ts';
import { request } from './page.ts';

export interface NewFlowsJob {
  kind: 'new-flows';
  target: Target;
  concurrency: number;
  milliseconds: number;
}

export interface NewFlowsResult {
  perSecond: number;
}

export async function newFlows({ target, concurrency, milliseconds }: NewFlowsJob): Promise<NewFlowsResult> {
  const text = request(authority(target), 'origin');
  const start = performance.now();
  const end = start + milliseconds;
  let flows = 0;
  const repeat = async () => {
    while (performance.now() < end) {
      await once(target, text);
      flows++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, repeat));
  return { perSecond: flows / ((performance.now() - start) / 1000) };
}

async function once(target: Target, text: string): Promise<void> {
  const answers = answersOn();
  const answered = new Promise<void>((resolve, reject) => {
    answers.onAnswer = resolve;
    answers.onFail = reject;
  });
  answered.catch(() => {}); // Thrown by openFlow when that fails first.
  const socket = await openFlow(target, answers.receiver);
  socket.write(text, 'latin1');
  await answered;
  answers.onFail = () => {};
  socket.end();
}
