/**
 * Four projects, one after the other: `unit` needs nothing but this process and is part of `npm run check`;
 * `controller` starts workerd, identity providers and Chromium; `system` starts whole networks (agents, servers,
 * namespaces); both run two files at a time. `timed` is what loads the machine by itself or judges by the second
 * how Sallyport gets over a failure: it runs one file at a time.
 */
import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;
const timed =
  'test/system/{attack,client,connector,direct-nat,endurance-*,failover,link,transparent-floods}.test.ts';
/** For a machine that is busy; how soon something has to be is said by the test. */
const patient = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 15_000 } } };

export default defineConfig({
  test: {
    projects: [
      {
        root,
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: ['test/{unit,vectors,architecture,model}/**/*.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
        },
      },
      {
        root,
        test: {
          name: 'controller',
          include: ['test/{contract,controller,console}/**/*.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          globalSetup: 'test/console/build.ts',
          ...patient,
        },
      },
      {
        root,
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          exclude: [timed],
          pool: 'forks',
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          setupFiles: 'test/world/last-words.ts',
          ...patient,
        },
      },
      {
        root,
        test: {
          name: 'timed',
          include: [timed],
          pool: 'forks',
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          setupFiles: 'test/world/last-words.ts',
          ...patient,
        },
      },
    ],
  },
});
