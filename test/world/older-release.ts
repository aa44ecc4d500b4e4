/**
 * A release of the agents from before the oldest that the Controller still speaks with. There is none in the
 * history yet, so it is today's tree with an older version and capability in it.
 */
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capability, minimumCapability } from '#schema/control/messages.ts';

const root = new URL('../..', import.meta.url).pathname;
export const olderVersion = '0.0.9';

/** @param folder empty. @returns where its `sallyportd` starts. */
export async function olderRelease(folder: string): Promise<string> {
  for (const part of ['node-agents', 'schema'])
    await cp(join(root, part), join(folder, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, version: olderVersion }));
  const messages = join(folder, 'schema/control/messages.ts');
  const now = `export const capability = ${capability};`;
  const text = await readFile(messages, 'utf8');
  if (!text.includes(now)) throw new Error(`${messages} says its capability otherwise`);
  await writeFile(messages, text.replace(now, `export const capability = ${minimumCapability - 1};`));
  return join(folder, 'node-agents/sallyportd.js');
}
