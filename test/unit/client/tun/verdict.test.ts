/** A refusal reaches a program as the errno that fits its reason. */
import { expect, test } from 'vitest';
import { answerTo } from '#node-agents/client/tun/verdict.ts';

test.each([
  ['connection_refused', 'tcp', 'reset'],
  ['connection_refused', 'udp', 'port'],
  ['network_unreachable', 'tcp', 'network'],
  ['connection_timeout', 'tcp', 'host'],
  ['no_connector', 'udp', 'host'],
  ['port_denied', 'tcp', 'prohibited'],
  ['grant_expired', 'icmp', 'prohibited'],
] as const)('%s of %s: %s', (code, protocol, answer) => {
  expect(answerTo(code, protocol)).toBe(answer);
});
