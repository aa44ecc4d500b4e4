/** The frame around every page: side bar, who is logged in, colour scheme, and the way to the main content. */
import {
  Anchor,
  AppShell,
  Burger,
  Center,
  Group,
  Loader,
  NavLink,
  ScrollArea,
  Stack,
  Text,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet, useLocation, useRouterState } from '@tanstack/react-router';
import { Suspense, useEffect } from 'react';
import { useCan, useSession } from '../api/session.ts';
import classes from './layout.module.css';
import { navigation } from './navigation.ts';
import { SchemeSwitch } from './scheme-switch.tsx';
import { UserMenu } from './user-menu.tsx';

export function Layout() {
  const [opened, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: on a phone, the side bar closes when a page opens.
  useEffect(close, [pathname]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'md', md: 'xl' }}
    >
      <a className={classes['skip']} href="#main">
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap" style={{ minWidth: 0 }}>
            <Burger
              opened={opened}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label="Pages"
              aria-expanded={opened}
            />
            <Brand />
          </Group>
          <Group gap="xs" wrap="nowrap">
            <SchemeSwitch />
            <UserMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Pages">
        <ScrollArea style={{ flex: 1 }}>
          <Pages />
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <div className={classes['content']}>
          <Suspense
            fallback={
              <Center h="50vh">
                <Loader aria-label="Loading the page" />
              </Center>
            }
          >
            <Outlet />
          </Suspense>
        </div>
      </AppShell.Main>
      <Progress />
    </AppShell>
  );
}

function Brand() {
  const { tenant } = useSession();
  return (
    <Anchor component={Link} to="/" c="inherit" underline="never" style={{ minWidth: 0 }}>
      <Group gap={10} wrap="nowrap">
        <img src="/console-assets/icon.svg" alt="" width={26} height={26} />
        <Text fw={700} visibleFrom="xs">
          Sallyport
        </Text>
        <Text c="dimmed" size="sm" truncate>
          {tenant.name}
        </Text>
      </Group>
    </Anchor>
  );
}

function Pages() {
  const can = useCan();
  const { pathname } = useLocation();
  const shown = navigation
    .map(({ title, entries }) => ({
      title,
      entries: entries.filter(({ needs }) => needs === undefined || can(needs)),
    }))
    .filter(({ entries }) => entries.length > 0);
  return (
    <Stack gap="md">
      {shown.map(({ title, entries }) => (
        <div key={title ?? ''}>
          {title && (
            <Text size="xs" fw={600} c="dimmed" px="sm" mb={4}>
              {title}
            </Text>
          )}
          {entries.map(({ title, to, icon: Icon }) => {
            const active = to === '/' ? pathname === '/' : pathname === to || pathname.startsWith(`${to}/`);
            return (
              <NavLink
                key={to}
                component={Link}
                {...({ to } as object)}
                label={title}
                leftSection={<Icon size={17} aria-hidden />}
                active={active}
                aria-current={active ? 'page' : undefined}
                className={classes['link']!}
              />
            );
          })}
        </div>
      ))}
    </Stack>
  );
}

/** A thin line at the top while the next page is on its way. */
function Progress() {
  const pending = useRouterState({ select: ({ status }) => status === 'pending' });
  return pending ? (
    <div className={classes['progress']} role="progressbar" aria-label="Loading the page" />
  ) : null;
}
