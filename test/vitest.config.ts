/**
 * Two projects: `unit` needs nothing but this process and is part of `npm run check`; `system` starts real
 * ones (workerd, agents, servers) and runs one file at a time.
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
          include: ['test/{unit,vectors,architecture,model}/**/*.test.ts'],
          pool: 'forks',
        },
      },
      {
        root,
        test: {
          name: 'system',
          include: ['test/{contract,controller,console,system}/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
