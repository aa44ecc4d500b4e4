/** Ports as people write them in the console's forms. */
import { expect, test } from 'vitest';
import { readPorts, sayReach, writePorts } from '#workers/console/src/pages/resources/port-text.ts';

const some = (text: string) => readPorts({ mode: 'some', text });

test.each([
  ['443', [{ from: 443, to: 443 }]],
  [
    '443, 8000-8100',
    [
      { from: 443, to: 443 },
      { from: 8000, to: 8100 },
    ],
  ],
  [
    '8000 – 8100;443',
    [
      { from: 443, to: 443 },
      { from: 8000, to: 8100 },
    ],
  ],
  ['80 81,82', [{ from: 80, to: 82 }]],
  ['1-65535', 'all'],
])('%s is read', (text, ports) => {
  expect(some(text)).toEqual({ ok: true, ports });
});

test.each(['', 'https', '443-', '70000', '0', '90-80', '1,,x'])(
  '“%s” is refused with a word about it',
  (text) => {
    expect(some(text)).toMatchObject({ ok: false, code: 'ports_invalid', detail: expect.any(String) });
  },
);

test('what is written for a form is read as the same', () => {
  const ports = [
    { from: 22, to: 22 },
    { from: 8000, to: 8100 },
  ];
  expect(readPorts(writePorts(ports))).toEqual({ ok: true, ports });
  expect(readPorts(writePorts('none'))).toEqual({ ok: true, ports: 'none' });
});

test('all protocols are told in a few words', () => {
  expect(sayReach({ tcp: 'all', udp: 'all', icmp: true })).toBe('everything');
  expect(sayReach({ tcp: [{ from: 22, to: 22 }], udp: 'none', icmp: true })).toBe('TCP 22 · ping');
  expect(sayReach({ tcp: 'none', udp: 'none', icmp: false })).toBe('nothing');
});
