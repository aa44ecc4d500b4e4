/**
 * Three projects, one after the other: `unit` needs nothing but this process and is part of `npm run check`;
 * `controller` starts workerd, identity providers and Chromium, two files at a time; `system` starts whole
 * networks (agents, servers, namespaces) and runs one file at a time.
 */
import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;

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
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        root,
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
