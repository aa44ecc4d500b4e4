/** Proves node-agents/client/refusal-log.ts: many refusals are few lines, and none goes uncounted. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tellRefusals } from '#node-agents/client/refusal-log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('of many refusals within a second the first are told one by one, the rest by their number', () => {
  const lines: [string, Record<string, unknown> | undefined][] = [];
  const tell = tellRefusals({ info: (event, fields) => void lines.push([event, fields]) });
  for (let i = 0; i < 1_000; i++) tell(`cnx_${i}`, i % 2 ? 'port_denied' : 'connection_refused');
  expect(lines).toHaveLength(20);
  expect(lines[0]).toEqual(['flow_refused', { connection: 'cnx_0', code: 'connection_refused' }]);
  vi.advanceTimersByTime(1_000);
  expect(lines[20]).toEqual(['flows_refused', { more: { port_denied: 490, connection_refused: 490 } }]);
  tell('cnx_later', 'port_denied');
  vi.advanceTimersByTime(1_000);
  expect(lines.slice(21)).toEqual([['flow_refused', { connection: 'cnx_later', code: 'port_denied' }]]);
});
