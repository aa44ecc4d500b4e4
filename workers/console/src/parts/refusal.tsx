/** A refusal or fault as a person sees it: what, why, and what to do now. */
import { Alert, Button, Group, Text } from '@mantine/core';
import { CircleAlert } from 'lucide-react';
import { asProblem } from '../api/problem.ts';

export function Refusal({ error, retry }: { error: unknown; retry?: () => void }) {
  if (error === null || error === undefined) return null;
  const { title, detail, remedy, code, requestId } = asProblem(error);
  return (
    <Alert color="red" icon={<CircleAlert size={18} />} title={title.replace(/\.$/, '')} role="alert">
      {detail !== undefined && <Text size="sm">{detail}</Text>}
      {remedy !== undefined && <Text size="sm">{remedy}</Text>}
      <Group gap="sm" mt="xs">
        {retry && (
          <Button size="compact-sm" variant="light" color="red" onClick={retry}>
            Try again
          </Button>
        )}
        <Text size="xs" c="dimmed" ff="monospace">
          {[code, requestId].filter(Boolean).join(' · ')}
        </Text>
      </Group>
    </Alert>
  );
}
