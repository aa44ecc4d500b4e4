/** Puts what the Controller refuses in a form beside the fields that it names. */
import { asProblem } from '../api/problem.ts';

/**
 * @param set of a Mantine form: `form.setErrors`.
 * @returns whether some field got it; else show the refusal as a whole.
 */
export function showFieldErrors(error: unknown, set: (errors: Record<string, string>) => void): boolean {
  const { fields } = asProblem(error);
  if (fields.length === 0) return false;
  set(
    Object.fromEntries(fields.map(({ pointer, detail }) => [pointer.slice(1).replaceAll('/', '.'), detail])),
  );
  return true;
}
