import { expect, test } from 'vitest';
import { endToEnd, withVia } from '#node-agents/client/http/hop-by-hop.ts';

test('fields of one hop are removed, and those that Connection names; order, case and repetition stay', () => {
  const raw = [
    ...['Host', 'a', 'X-Once', '1', 'Connection', 'keep-alive, X-Once', 'Keep-Alive', 'timeout=5'],
    ...['Proxy-Authorization', 'Basic x', 'Proxy-Connection', 'keep-alive', 'TE', 'trailers'],
    ...['Upgrade', 'h2c', 'Transfer-Encoding', 'chunked', 'Cookie', 'a=1', 'cookie', 'b=2'],
  ];
  expect(endToEnd(raw)).toEqual(['Host', 'a', 'Cookie', 'a=1', 'cookie', 'b=2']);
});

test('Connection cannot remove what frames or routes the message', () => {
  const raw = ['Content-Length', '5', 'Host', 'a', 'Connection', 'content-length, host'];
  expect(endToEnd(raw)).toEqual(['Content-Length', '5', 'Host', 'a']);
});

test('Via grows by this hop', () => {
  expect(withVia(['Via', '1.0 first', 'A', 'b'], '1.1')).toEqual([
    'A',
    'b',
    'Via',
    '1.0 first, 1.1 sallyport',
  ]);
});
