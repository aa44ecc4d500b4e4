/**
 * A fault as the log may have it. Drizzle's errors recite the statement with its parameters, which are names,
 * addresses and hashes of tokens; what went wrong is in the innermost cause.
 */

/** One line of what happened; with `stack`, the lines of where. */
export function describeFault(error: unknown, { stack = false } = {}): string {
  let cause = error;
  for (let depth = 0; depth < 8 && cause instanceof Error && cause.cause instanceof Error; depth++) {
    cause = cause.cause;
  }
  if (!(cause instanceof Error)) return `${typeof cause} thrown`;
  const what = `${cause.name}: ${cause.message.replace(/^(Failed query):[\s\S]*$/, '$1')}`;
  if (!stack) return what;
  const frames = ((error as Error).stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line));
  return [what, ...frames].join('\n');
}
