import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runHealth, serveHealth, startingHealth } from '#node-agents/connector/health.ts';

let stateDir: string;
const closing: { close(): unknown }[] = [];

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'sallyport-health-'));
});
afterEach(async () => {
  for (const one of closing.splice(0)) one.close();
  await rm(stateDir, { recursive: true });
});

const asked = async () => {
  let printed = '';
  const print = (text: string) => {
    printed += text;
  };
  const code = await runHealth({ stateDir, json: true }, { print });
  return { code, answer: JSON.parse(printed) };
};

test('one Connector answers for a state directory, a second does not start', async () => {
  closing.push(await serveHealth(stateDir, () => ({ ...startingHealth, healthy: true, problems: [] })));
  expect(await asked()).toMatchObject({ code: 0, answer: { healthy: true } });
  await expect(serveHealth(stateDir, () => startingHealth)).rejects.toMatchObject({ code: 'address_in_use' });
});

test.runIf(process.platform === 'linux')(
  'nobody who squats the abstract address keeps it from starting',
  async () => {
    const name = createHash('sha256').update(stateDir).digest('hex').slice(0, 16);
    const squatter = createServer((socket) => socket.end('{"healthy":true}'));
    squatter.listen(`\0sallyport-connector-${process.getuid!()}-${name}`);
    await once(squatter, 'listening');
    closing.push(squatter);
    closing.push(await serveHealth(stateDir, () => startingHealth));
    expect(await asked()).toMatchObject({ code: 1, answer: { healthy: false } });
  },
);
