/**
 * Flags that several commands share.
 */
import type { Field } from '../command.ts';

export const named: Field = { flag: 'name', help: 'its name', required: true };
export const rename: Field = { flag: 'name', help: 'its new name' };
export const expiryDays: Field = {
  flag: 'expires-in-days',
  help: 'days, or unlimited (default 365)',
  as: 'expiry',
};

export const paging: Field[] = [
  { flag: 'limit', help: 'items in one answer, 1–200', as: 'number' },
  { flag: 'q', help: 'only what has this text in its name or what else it is known by' },
  { flag: 'cursor', help: 'where the last answer ended' },
];

export const span: Field[] = [
  { flag: 'since', help: 'from this RFC 3339 time on' },
  { flag: 'until', help: 'before this RFC 3339 time' },
];

/** The same flag where the command cannot do without it. */
export const required = (field: Field): Field => ({ ...field, required: true });
