/** What is known of one thing: names and values, in columns. */
import { Box, Paper, SimpleGrid, Text } from '@mantine/core';
import type { ReactNode } from 'react';

export function Facts({ of }: { of: (readonly [name: string, value: ReactNode])[] }) {
  return (
    <Paper>
      <SimpleGrid component="dl" cols={{ base: 2, md: 3 }} m={0} verticalSpacing="md">
        {of.map(([name, value]) => (
          <Box key={name} style={{ minWidth: 0 }}>
            <Text component="dt" size="xs" c="dimmed">
              {name}
            </Text>
            <Text component="dd" size="sm" m={0} style={{ overflowWrap: 'anywhere' }}>
              {value ?? '–'}
            </Text>
          </Box>
        ))}
      </SimpleGrid>
    </Paper>
  );
}
