/**
 * A change that somebody asks for: runs it, tells of success, and has every list and page that is shown
 * asked again. A refusal is left to the form that asked (`error`), or told where there is none.
 */
import { notifications } from '@mantine/notifications';
import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query';
import { asProblem } from './problem.ts';

interface Options<Input, Output> {
  /** Told once it is done: "Group created". */
  done?: string | ((output: Output, input: Input) => string);
  after?: (output: Output, input: Input) => void | Promise<void>;
  /** The form shows the refusal itself. */
  quiet?: boolean;
}

export function useChange<Input = void, Output = unknown>(
  run: (input: Input) => Promise<Output>,
  options: Options<Input, Output> = {},
): UseMutationResult<Output, Error, Input> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: run,
    async onSuccess(output, input) {
      await queries.invalidateQueries();
      const { done } = options;
      if (done !== undefined) {
        notifications.show({ message: typeof done === 'string' ? done : done(output, input), color: 'teal' });
      }
      await options.after?.(output, input);
    },
    onError(error) {
      if (options.quiet) return;
      const { title, detail, remedy } = asProblem(error);
      notifications.show({ title, message: detail ?? remedy ?? '', color: 'red', autoClose: 10_000 });
    },
  });
}
