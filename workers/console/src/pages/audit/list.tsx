/** The audit log: what administrators changed, with what was there before and after. */
import { Anchor, Badge, Button, Group, Menu, Text, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { ClipboardList, Download } from 'lucide-react';
import { useState } from 'react';
import { api, take } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { tenantBase } from '../../api/place.ts';
import { Thing } from '../../parts/activity/words.tsx';
import { type Columns, DataTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Page } from '../../parts/page.tsx';
import { Search } from '../../parts/search.tsx';
import { Time } from '../../parts/time.tsx';
import { ChangeDetails } from './details.tsx';

const route = getRouteApi('/audit');
const ask = async (q: string | undefined, cursor: string | undefined) => {
  const { items, next_cursor, names } = await take(api.audit.$get({ query: { q, cursor } }));
  return { items: items.map((item) => ({ ...item, names })), next_cursor };
};
export type Entry = Awaited<ReturnType<typeof ask>>['items'][number];

export default function AuditLog() {
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(['audit', q], (cursor) => ask(q, cursor));
  const [opened, setOpened] = useState<Entry>();
  const file = (format: string) =>
    `${tenantBase}/api/v1/audit/export?${new URLSearchParams({ format, ...(q && { q }) })}`;
  return (
    <Page
      title="Audit log"
      about="Every change, from the console, the API, the command line or your identity provider: who, what, before and after."
      actions={
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" leftSection={<Download size={15} aria-hidden />}>
              Export
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item component="a" href={file('csv')} download>
              As CSV
            </Menu.Item>
            <Menu.Item component="a" href={file('json')} download>
              As JSON
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      }
    >
      <Search
        label="Search the audit log"
        value={q}
        onChange={(q) => navigate({ search: { q }, replace: true })}
      />
      <DataTable
        label="Audit entries"
        columns={columnsFor(setOpened)}
        pages={pages}
        rowId={({ id }) => id}
        minWidth={760}
        empty={
          <Empty
            icon={ClipboardList}
            title={q === undefined ? 'Nothing was changed yet' : `Nothing mentions “${q}”`}
          >
            {q === undefined
              ? 'Every change to this Tenant will be listed here.'
              : 'Search for a name, an id, an action such as resource.update, or an actor.'}
          </Empty>
        }
      />
      <ChangeDetails entry={opened} onClose={() => setOpened(undefined)} />
    </Page>
  );
}

const verbColour = (action: string): string => {
  const verb = action.split('.').at(-1)!;
  if (verb === 'create') return 'teal';
  return /delete|revoke|deactivate/.test(verb) ? 'red' : 'blue';
};

const columnsFor = (open: (entry: Entry) => void): Columns<Entry> => [
  { header: 'When', id: 'at', cell: ({ row: { original } }) => <Time at={original.at} /> },
  { header: 'Who', id: 'actor', cell: ({ row: { original } }) => <Actor entry={original} /> },
  {
    header: 'What',
    id: 'action',
    cell: ({ row: { original } }) => (
      <Badge color={verbColour(original.action)}>
        {original.action.replaceAll('_', ' ').replace('.', ': ')}
      </Badge>
    ),
  },
  {
    header: 'To what',
    id: 'target',
    cell: ({ row: { original } }) => (
      <Text size="sm" component="div">
        <Thing id={original.target.id} names={{ ...nameIn(original), ...original.names }} />
      </Text>
    ),
  },
  {
    header: '',
    id: 'open',
    cell: ({ row: { original } }) => (
      <Group justify="flex-end">
        <UnstyledButton onClick={() => open(original)}>
          <Anchor component="span" size="sm">
            Details
          </Anchor>
          <VisuallyHidden>: before and after of {original.action}</VisuallyHidden>
        </UnstyledButton>
      </Group>
    ),
  },
];

export function Actor({ entry: { actor, names } }: { entry: Entry }) {
  if (actor === 'operator' || actor === 'setup') return <>the deployment’s operator</>;
  return <Thing id={actor} names={names} />;
}

/** What was deleted had a name before. */
function nameIn({ target, before, after }: Entry): Record<string, string> {
  for (const state of [after, before]) {
    const name = (state as { name?: unknown } | null)?.name;
    if (typeof name === 'string') return { [target.id]: name };
  }
  return {};
}
