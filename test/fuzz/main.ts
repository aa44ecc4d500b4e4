/**
 * Runs the fuzz targets in turn until the time is over. Each failure names the command that shows it again.
 * Ends with `N passed, M failed`.
 *
 *   node test/fuzz/main.ts [--seconds N] [--seed N] [--target NAME] [--once]
 */
import { parseArgs } from 'node:util';
import { SeededRandom } from './random.ts';
import { targets } from './targets.ts';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    target: { type: 'string' },
    once: { type: 'boolean', default: false },
  },
});
const chosen = targets.filter(({ name }) => flags.target === undefined || name === flags.target);
if (chosen.length === 0) {
  console.error(`no target named ${flags.target}; there are: ${targets.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const until = performance.now() + Number(flags.seconds) * 1000;
let [passed, failed] = [0, 0];
for (
  let seed = Number(flags.seed);
  flags.once ? seed === Number(flags.seed) : performance.now() < until;
  seed++
) {
  for (const { name, run } of chosen) {
    try {
      await run(new SeededRandom(seed));
      passed++;
    } catch (error) {
      failed++;
      console.error(`${name} failed: npm run fuzz -- --target ${name} --seed ${seed} --once`);
      if (failed <= 5) console.error(error);
    }
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
