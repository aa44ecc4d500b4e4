/** Where a Resource meets others, and which of the two decides there, with the rule that says so. */
import { Anchor, Code, List, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';

export interface Overlap {
  resource_id: string;
  name: string;
  address: string;
  wins: 'this' | 'other';
  why: 'literal_name' | 'more_literal_characters' | 'longer_prefix' | 'older';
}

const rules: Record<Overlap['why'], string> = {
  literal_name: 'a name without wildcards decides before a wildcard',
  more_literal_characters: 'the pattern with more characters of its own decides',
  longer_prefix: 'the smaller network decides',
  older: 'both are equally exact, so the one that allows the port decides, and then the older one',
};

/** @param address of the Resource that meets them, as far as it is known. */
export function Overlaps({ address, of }: { address: string; of: readonly Overlap[] }) {
  return (
    <List size="sm" spacing="xs">
      {of.map((other) => (
        <List.Item key={other.resource_id}>
          {other.wins === 'this' ? (
            <>
              <Code>{address}</Code> wins over <Other of={other} />
            </>
          ) : (
            <>
              <Other of={other} /> wins over <Code>{address}</Code>
            </>
          )}
          <Text span size="sm" c="dimmed">
            {': '}
            {rules[other.why]}.
          </Text>
        </List.Item>
      ))}
    </List>
  );
}

const Other = ({ of: { resource_id: id, name, address } }: { of: Overlap }) => (
  <>
    <Code>{address}</Code> (
    <Anchor
      component={Link}
      {...({ to: '/resources/$id', params: { id } } as object)}
      size="sm"
      c="inherit"
      underline="always"
    >
      {name}
    </Anchor>
    )
  </>
);
