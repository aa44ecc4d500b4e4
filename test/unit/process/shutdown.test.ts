import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

const load = () => import('#node-agents/process/shutdown.ts');

test('the first signal asks everybody, the last registered first; the second ends at once', async () => {
  const { onShutdown } = await load();
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as never);
  const told: string[] = [];
  const unregister = [
    onShutdown((signal) => told.push(`listener ${signal}`)),
    onShutdown((signal) => told.push(`flows ${signal}`)),
  ];
  process.emit('SIGTERM', 'SIGTERM');
  expect(told).toEqual(['flows SIGTERM', 'listener SIGTERM']);
  expect(exit).not.toHaveBeenCalled();
  process.emit('SIGINT', 'SIGINT');
  expect(exit).toHaveBeenCalledWith(130);
  for (const undo of unregister) undo();
});

test('signals are left alone once nobody listens any more', async () => {
  const { onShutdown } = await load();
  const before = process.listenerCount('SIGTERM');
  const unregister = onShutdown(() => {});
  expect(process.listenerCount('SIGTERM')).toBe(before + 1);
  unregister();
  expect(process.listenerCount('SIGTERM')).toBe(before);
});
