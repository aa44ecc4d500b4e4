/**
 * The fields that many requests and answers share: instants as RFC 3339, names, ids in paths, changes of
 * part of a thing.
 */
import { z } from '@hono/zod-openapi';
import type { ZodMiniType } from 'zod/mini';
import { refuse } from '#schema/errors.ts';

export const instant = z.iso.datetime({ offset: true }).openapi({ example: '2026-11-21T09:30:00.000Z' });

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
const noControls = /^[^\u0000-\u001f\u007f-\u009f]*$/;

/** One line for people, without control characters; spaces around it are taken away. */
export const line = (length: number) =>
  z.string().max(length).regex(noControls, { message: 'without control characters' }).trim();
export const name = line(100).min(1);
export const expiresInDays = z.number().int().min(1).max(36_500).nullable().default(365);
export const idPath = z.object({ id: z.string().max(64) });

export const iso = (ms: number): string => new Date(ms).toISOString();
export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

/** When something that begins now ends; null: never. */
export const endAfter = (now: number, days: number | null): number | null =>
  days === null ? null : now + days * 24 * 3_600_000;

/** Some of the fields, at least one, no others. */
export const someOf = <S extends z.ZodRawShape>(shape: S): z.ZodType<{ [F in keyof S]?: z.output<S[F]> }> =>
  z
    .strictObject(shape)
    .partial()
    .refine((fields) => Object.keys(fields).length > 0, { message: 'names no field to change' })
    .openapi({ minProperties: 1 }) as never;

/** What agents know too, as the API shows it. Theirs are of `zod/mini`, which loads faster and does not describe itself. */
export function described<S extends ZodMiniType>(shape: S): z.ZodType<z.output<S>> {
  const { $schema, '~standard': _, ...words } = z.toJSONSchema(shape, { io: 'input' });
  return z.custom<z.output<S>>((value) => shape.safeParse(value).success).openapi(words as object);
}

/** 404 that names the thing: an id of another Tenant is as unknown as one that never was. */
export const absent = (what: string, id: string) => refuse('not_found', `no ${what} ${id}`);

/** 409 that says what the state allows instead. */
export const illegal = (what: string, state: string, allowed: readonly string[]) => ({
  ...refuse('illegal_transition', `the ${what} is ${state}`),
  members: { state, allowed },
});
