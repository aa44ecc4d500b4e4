/**
 * Reads the origin's small page off a connection, again and again, whatever headers a proxy added, and says
 * so when it is anything else.
 */
import type { Receiver } from './flow.ts';
import { body } from './page.ts';

export interface Answers {
  receiver: Receiver;
  onAnswer: () => void;
  onFail: (error: Error) => void;
}

export function answersOn(): Answers {
  let text = '';
  const fail = (error: Error) => answers.onFail(error);
  const answers: Answers = {
    onAnswer: () => {},
    onFail: () => {},
    receiver: {
      bytes(buffer, length) {
        text += Buffer.from(buffer.buffer, buffer.byteOffset, length).toString('latin1');
        const head = text.indexOf('\r\n\r\n');
        if (head < 0 || text.length < head + 4 + body.length) return;
        if (!text.startsWith('HTTP/1.1 200 ') || !text.endsWith(body)) {
          return fail(new Error(`not the origin's page: ${text.slice(0, 400)}`));
        }
        text = '';
        answers.onAnswer();
      },
      end: () => fail(new Error('the connection was closed')),
      fail,
    },
  };
  return answers;
}
