/**
 * Reads the product's own sources for the architecture tests: which file imports what, how long it is, and
 * whether it opens with a header comment.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface Source {
  /** From the project's root: `schema/acl/match.ts`. */
  path: string;
  text: string;
  lines: number;
  /** Project files as paths from the root, packages by name, built-ins as `node:x`. */
  imports: { target: string; typeOnly: boolean }[];
}

const root = new URL('../..', import.meta.url).pathname;

export function productSources(): Source[] {
  return globSync(['schema/**/*.ts', 'workers/**/*.{ts,tsx}', 'node-agents/**/*.ts'], { cwd: root })
    .filter((path) => !path.endsWith('.d.ts') && !/node_modules|console\/dist/.test(path))
    .sort()
    .map(read);
}

function read(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  const imports: Source['imports'] = [];
  for (const [, typeOnly, from, dynamic] of text.matchAll(importPattern)) {
    const specifier = from ?? dynamic;
    if (specifier) imports.push({ target: resolve(path, specifier), typeOnly: typeOnly !== undefined });
  }
  return { path, text, lines: text.split('\n').length, imports };
}

const importPattern =
  /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;

function resolve(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier));
  if (specifier.startsWith('#')) return specifier.slice(1);
  return specifier;
}
