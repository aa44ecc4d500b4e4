/** Text to take along: a command, a file, a key. Copied whole by one button. */
import { ActionIcon, Box, CopyButton, Group, Text, Tooltip } from '@mantine/core';
import { Check, Copy } from 'lucide-react';

export function CodeBlock({ children, label }: { children: string; label: string }) {
  return (
    <Box
      pos="relative"
      bg="var(--mantine-color-default-hover)"
      p="sm"
      style={{ borderRadius: 'var(--mantine-radius-md)' }}
    >
      <Text
        component="pre"
        ff="monospace"
        fz="xs"
        m={0}
        mr={36}
        tabIndex={0}
        aria-label={label}
        // Lines mean something in what has several; one alone is broken to be seen whole.
        style={
          children.trim().includes('\n')
            ? { whiteSpace: 'pre', overflowX: 'auto' }
            : { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }
        }
      >
        {children}
      </Text>
      <Box pos="absolute" top={8} right={8}>
        <CopyIcon value={children} label={label} />
      </Box>
    </Box>
  );
}

/** An id or address within other text. */
export const Copied = ({ text, label }: { text: string; label: string }) => (
  <Group gap={4} wrap="nowrap" component="span" style={{ display: 'inline-flex' }}>
    <Text span size="xs" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
      {text}
    </Text>
    <CopyIcon value={text} label={label} />
  </Group>
);

export function CopyIcon({ value, label }: { value: string; label: string }) {
  return (
    <CopyButton value={value} timeout={2000}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : `Copy ${label}`}>
          <ActionIcon
            variant="subtle"
            color={copied ? 'teal' : 'gray'}
            onClick={copy}
            aria-label={copied ? 'Copied' : `Copy ${label}`}
          >
            {copied ? <Check size={16} /> : <Copy size={16} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
