import { expect, test } from 'vitest';
import { createLog } from '#node-agents/process/log.ts';
import { SallyportError } from '#schema/errors.ts';

function capture(level: 'debug' | 'info' = 'info') {
  const lines: string[] = [];
  const log = createLog({ level, write: (line) => lines.push(line), now: () => 0 });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) };
}

test('a line is one JSON object with time, level, event and fields', () => {
  const { log, lines } = capture();
  log.info('relay_connected', { relay: 'rel_1' });
  expect(lines).toEqual([
    '{"time":"1970-01-01T00:00:00.000Z","level":"info","event":"relay_connected","relay":"rel_1"}\n',
  ]);
});

test('what is below the level is not written', () => {
  const { log, lines } = capture();
  log.debug('detail');
  expect(lines).toEqual([]);
});

test('a child carries its bindings on every line', () => {
  const { log, last } = capture();
  log.child({ a: 1 }).child({ b: 2 }).warn('event', { c: 3 });
  expect(last()).toMatchObject({ level: 'warn', a: 1, b: 2, c: 3 });
});

test('an error shows code and cause, its stack only at debug', () => {
  const error = new SallyportError('peer_gone', 'it went', { cause: new Error('why') });
  const info = capture();
  info.log.error('failed', { error });
  expect(info.last().error).toEqual({ message: 'it went', code: 'peer_gone', cause: { message: 'why' } });
  const debug = capture('debug');
  debug.log.error('failed', { error });
  expect(debug.last().error.stack).toContain('log.test.ts');
});

test('a field that is named like a secret is not shown, at any depth', () => {
  const { log, lines } = capture('debug');
  log.debug('event', {
    token: 'hunter2',
    access_token: 'hunter2',
    headers: { authorization: 'hunter2', dpop: 'hunter2' },
    private_key: 'hunter2',
  });
  expect(lines.join('')).not.toContain('hunter2');
});

test('a text that a peer sent can neither break a line nor fill the log', () => {
  const { log, lines } = capture();
  log.info('event', { text: `a\nb${'x'.repeat(100_000)}` });
  expect(lines[0]!.match(/\n/g)).toHaveLength(1);
  expect(lines[0]!.length).toBeLessThan(3_000);
});
