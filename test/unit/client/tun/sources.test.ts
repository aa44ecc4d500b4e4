/** Who may send through the device. */
import { expect, test } from 'vitest';
import { createSources } from '#node-agents/client/tun/sources.ts';
import { parseIp, parsePrefix } from '#schema/name/ip.ts';

test('this host, also by an address that it has just been given, and the networks it is a gateway of', () => {
  let nowMs = 0;
  const own = ['10.0.0.1'];
  const allows = createSources(
    [parsePrefix('192.168.77.0/24')!],
    () => nowMs,
    () => [...own],
  );
  expect(allows(parseIp('10.0.0.1')!)).toBe(true);
  expect(allows(parseIp('192.168.77.9')!)).toBe(true);
  expect(allows(parseIp('192.168.78.9')!)).toBe(false);
  own.push('fd00::9');
  expect(allows(parseIp('fd00::9')!)).toBe(false);
  nowMs += 1_001;
  expect(allows(parseIp('fd00::9')!)).toBe(true);
});
