import { expect, test } from 'vitest';
import { relayOrder, rendezvousOrder } from '#node-agents/client/rendezvous.ts';

const connectors = Array.from({ length: 8 }, (_, i) => ({ hash: `connector${i}` }));
const order = (instance: string, among = connectors) =>
  rendezvousOrder(instance, among).map(({ hash }) => hash);

test('an instance always has the same order, whatever order the list is in', () => {
  expect(order('ins_1', connectors.toReversed())).toEqual(order('ins_1'));
});

test('instances spread over the Connectors', () => {
  const first = new Map<string, number>();
  for (let i = 0; i < 800; i++) {
    const [hash] = order(`ins_${i}`);
    first.set(hash!, (first.get(hash!) ?? 0) + 1);
  }
  expect(first.size).toBe(8);
  for (const count of first.values()) expect(count).toBeGreaterThan(60);
});

test('a Connector that goes moves only those that had it first', () => {
  for (let i = 0; i < 100; i++) {
    const before = order(`ins_${i}`);
    const gone = before[3]!;
    const after = order(
      `ins_${i}`,
      connectors.filter(({ hash }) => hash !== gone),
    );
    expect(after).toEqual(before.filter((hash) => hash !== gone));
  }
});

const relay = (id: string, edge?: true) => ({
  ...{ id, url: `https://${id}.example`, carriers: ['raw' as const] },
  ...(edge && { edge }),
});

test('instances spread over the relays, and none begins at the edge', () => {
  const relays = [relay('rel_edge', true), relay('rel_a'), relay('rel_b'), relay('rel_c')];
  const first = new Map<string, number>();
  for (let i = 0; i < 300; i++) {
    const order = relayOrder(`ins_${i}`, relays).map(({ id }) => id);
    expect(order).toHaveLength(4);
    expect(order.at(-1)).toBe('rel_edge');
    first.set(order[0]!, (first.get(order[0]!) ?? 0) + 1);
  }
  expect(first.size).toBe(3);
  for (const count of first.values()) expect(count).toBeGreaterThan(60);
});

test('a relay that is added takes its share and moves nobody else', () => {
  const before = [relay('rel_a'), relay('rel_b')];
  for (let i = 0; i < 100; i++) {
    const [was] = relayOrder(`ins_${i}`, before);
    const [is] = relayOrder(`ins_${i}`, [...before, relay('rel_c')]);
    expect(is!.id === 'rel_c' || is!.id === was!.id).toBe(true);
  }
});
