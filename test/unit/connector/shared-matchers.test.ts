/** Proves node-agents/connector/shared-matchers.ts: thousands of instances of one Service share one matcher. */
import { expect, test } from 'vitest';
import { SharedMatchers } from '#node-agents/connector/shared-matchers.ts';
import { resource } from './place.ts';

test('the same Resources are compiled once, others apart', () => {
  const matchers = new SharedMatchers();
  const granted = () => [resource('res_a', 'a.internal'), resource('res_b', '10.0.0.0/8')];
  expect(matchers.of(granted())).toBe(matchers.of(granted()));
  const narrower = [resource('res_a', 'a.internal', { tcp: 'none' }), granted()[1]!];
  expect(matchers.of(narrower)).not.toBe(matchers.of(granted()));
  expect(matchers.of(narrower).find({ protocol: 'tcp', host: 'a.internal', port: 80 }).ok).toBe(false);
});
