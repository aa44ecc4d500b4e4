/** Shown in a page's place when it could not be loaded. */
import { Center, Loader, Stack } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { Problem } from '../api/problem.ts';
import { Refusal } from '../parts/refusal.tsx';

export function Fault({ error, reset }: ErrorComponentProps) {
  // On the way to the login already.
  if (error instanceof Problem && error.status === 401)
    return (
      <Center h="60vh">
        <Loader aria-label="Logging in" />
      </Center>
    );
  return (
    <Stack maw="40rem" mx="auto" p="md">
      <Refusal error={error} retry={reset} />
    </Stack>
  );
}
