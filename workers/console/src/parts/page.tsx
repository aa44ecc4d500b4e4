/** The frame of every page: its title (also the window's), what it is for, what can be done, its content. */
import { Anchor, Breadcrumbs, Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';

interface Props {
  title: string;
  /** One sentence for whoever is here for the first time. */
  about?: ReactNode;
  /** The page above. */
  up?: { title: string; to: LinkProps['to'] };
  /** Beside the title: a state. */
  badge?: ReactNode;
  /** Buttons. */
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ title, about, up, badge, actions, children }: Props) {
  useDocumentTitle(`${title} · Sallyport`);
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        {up && (
          <Breadcrumbs>
            <Anchor component={Link} to={up.to as string} size="sm">
              {up.title}
            </Anchor>
          </Breadcrumbs>
        )}
        <Group justify="space-between" align="flex-start" gap="sm">
          <Stack gap={4} flex={about ? '1 1 16rem' : '0 1 auto'} miw={0}>
            <Group gap="sm" style={{ minWidth: 0 }}>
              <Title order={1} style={{ overflowWrap: 'anywhere' }}>
                {title}
              </Title>
              {badge}
            </Group>
            {about && (
              <Text c="dimmed" size="sm" maw="46rem">
                {about}
              </Text>
            )}
          </Stack>
          {actions && <Group gap="xs">{actions}</Group>}
        </Group>
      </Stack>
      {children}
    </Stack>
  );
}
