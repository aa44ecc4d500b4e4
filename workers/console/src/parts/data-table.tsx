/**
 * A list as a table: columns by TanStack Table, rows from `usePages`. A row leads to its page by the link in
 * its first cell. On a phone the table scrolls sideways within its own frame.
 */
import { Button, Center, Paper, ScrollArea, Skeleton, Stack, Table } from '@mantine/core';
import { type ColumnDef, type RowData, tableFeatures, useTable } from '@tanstack/react-table';
import type { ReactNode } from 'react';
import type { Pages } from '../api/pages.ts';
import { Refusal } from './refusal.tsx';

const features = tableFeatures({});
export type Columns<Row extends RowData> = ColumnDef<typeof features, Row>[];

interface Props<Row extends RowData> {
  /** For screen readers: "Groups". */
  label: string;
  columns: Columns<Row>;
  pages: Pages<Row>;
  rowId: (row: Row) => string;
  /** Shown where there is no row at all. */
  empty: ReactNode;
  minWidth?: number;
}

export function DataTable<Row extends RowData>({
  label,
  columns,
  pages,
  rowId,
  empty,
  minWidth = 640,
}: Props<Row>) {
  const { rows } = pages;
  const table = useTable({ features, columns, data: rows ?? none, getRowId: rowId });
  if (rows === undefined) return pages.error ? <Refusal error={pages.error} /> : <Waiting />;
  if (rows.length === 0 && !pages.stale) return <Paper>{empty}</Paper>;
  return (
    <Stack gap="sm">
      <Refusal error={pages.error} />
      <Paper p={0} style={{ overflow: 'hidden', opacity: pages.stale ? 0.6 : 1 }}>
        <ScrollArea type="auto" viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': label }}>
          <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover miw={minWidth}>
            <Table.Caption hidden>{label}</Table.Caption>
            <Table.Thead>
              {table.getHeaderGroups().map((group) => (
                <Table.Tr key={group.id}>
                  {group.headers.map((header) => (
                    <Table.Th key={header.id} scope="col" style={{ whiteSpace: 'nowrap' }}>
                      {header.isPlaceholder ? null : <table.FlexRender header={header} />}
                    </Table.Th>
                  ))}
                </Table.Tr>
              ))}
            </Table.Thead>
            <Table.Tbody>
              {table.getRowModel().rows.map((row) => (
                <Table.Tr key={row.id}>
                  {row.getAllCells().map((cell) => (
                    <Table.Td key={cell.id}>
                      <table.FlexRender cell={cell} />
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea>
      </Paper>
      {pages.more && (
        <Center>
          <Button variant="default" onClick={pages.more} loading={pages.loadingMore}>
            Show more
          </Button>
        </Center>
      )}
    </Stack>
  );
}

const none: never[] = [];

const Waiting = () => (
  <Paper aria-busy="true" aria-label="Loading">
    <Stack gap="sm">
      <Skeleton h={18} />
      <Skeleton h={18} w="80%" />
      <Skeleton h={18} w="60%" />
    </Stack>
  </Paper>
);
