import { expect, test } from 'vitest';
import { eventOutbox } from '#node-agents/client/events.ts';
import type { FromAgent } from '#schema/control/messages.ts';
import type { FlowEvent } from '#schema/event/event.ts';

type Batch = Extract<FromAgent, { type: 'events' }>;

function outbox() {
  const sent: Batch[] = [];
  let open = true;
  const box = eventOutbox((message) => open && sent.push(message as Batch) > 0);
  const link = (state: boolean) => {
    open = state;
  };
  return { box, sent, link };
}

const event = (i: number) => ({ id: `evt_${i}` }) as FlowEvent;
const ids = (batch: Batch | undefined) => batch?.events.map(({ id }) => id);

test('a batch that was not acknowledged is sent again after a reconnect, and nothing behind it is lost', () => {
  const { box, sent, link } = outbox();
  box.add(event(1));
  box.flush();
  box.add(event(2));
  box.flush();
  expect(sent).toHaveLength(1);
  link(false);
  box.restart();
  box.flush();
  link(true);
  box.flush();
  expect(ids(sent[1])).toEqual(['evt_1', 'evt_2']);
  box.stored(sent[0]!.batch);
  expect(box.waiting).toBe(2);
  box.stored(sent[1]!.batch);
  expect(box.waiting).toBe(0);
});

test('what waits is bounded: the oldest go, and their number is told', () => {
  const { box, sent, link } = outbox();
  link(false);
  for (let i = 0; i < 2_500; i++) box.add(event(i));
  expect(box.waiting).toBe(2_000);
  expect(box.dropped).toBe(500);
  link(true);
  box.flush();
  expect(ids(sent[0])![0]).toBe('evt_500');
  for (let i = 0; i < 10; i++) {
    box.stored(sent[i]!.batch);
    box.flush();
  }
  expect(sent).toHaveLength(10);
  expect(box.waiting).toBe(0);
});
