/**
 * Turns a flag's text into the value that the API takes.
 */
import { readFileSync } from 'node:fs';
import { SallyportError } from '#schema/errors.ts';
import type { Field } from './command.ts';

export function fieldValue(field: Field, text: string): unknown {
  const wrong = (expected: string): never => {
    throw new SallyportError('config_invalid', `--${field.flag} takes ${expected}, not “${text}”.`);
  };
  switch (field.as) {
    case undefined:
    case 'switch':
      return text;
    case 'clearable':
      return text === '' ? null : text;
    case 'json':
      return parsed(text) ?? wrong('JSON');
    case 'file':
      return contentOf(text) ?? wrong('a file that can be read');
    case 'number':
      return Number.isFinite(Number(text)) && text !== '' ? Number(text) : wrong('a number');
    case 'boolean':
      return text === 'true' || text === 'on'
        ? true
        : text === 'false' || text === 'off'
          ? false
          : wrong('true or false');
    case 'list':
      return text.split(',');
    case 'pairs':
      return Object.fromEntries(
        text.split(',').map((pair) => (pair.includes('=') ? splitOnce(pair) : wrong('name=value pairs'))),
      );
    case 'ports':
      return text === 'all' || text === 'none'
        ? text
        : text.split(',').map((one) => range(one) ?? wrong('ports'));
    case 'expiry':
      return text === 'unlimited' ? null : /^\d+$/.test(text) ? Number(text) : wrong('days, or unlimited');
  }
}

function range(text: string): { from: number; to: number } | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  return match ? { from: Number(match[1]), to: Number(match[2] ?? match[1]) } : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Its one line, without the end of it. @param path `-`: standard input. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

const splitOnce = (pair: string): [string, string] => {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
};
