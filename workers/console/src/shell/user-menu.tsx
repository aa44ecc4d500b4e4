/** Who is logged in, with which role, and the way out. */
import { Avatar, Menu, Text, UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { LogOut, MonitorSmartphone, UserRound } from 'lucide-react';
import { tenantBase } from '../api/place.ts';
import { useSession } from '../api/session.ts';

export function UserMenu() {
  const { user, actor } = useSession();
  const name = user?.name || user?.user_name || actor;
  const logOut = async () => {
    await fetch(`${tenantBase}/logout`, { method: 'POST' });
    location.assign(`${tenantBase}/login?again=1`);
  };
  return (
    <Menu position="bottom-end" width={240} withinPortal>
      <Menu.Target>
        <UnstyledButton aria-label={`Account of ${name}`}>
          <Avatar color="gate" size={34} radius="xl">
            <UserRound size={18} aria-hidden />
          </Avatar>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--mantine-color-text)" truncate>
            {name}
          </Text>
          {user && (
            <Text size="xs" c="dimmed" truncate>
              {user.email ?? user.user_name} · {user.role ?? 'no role'}
            </Text>
          )}
        </Menu.Label>
        <Menu.Item component={Link} to="/sessions" leftSection={<MonitorSmartphone size={16} />}>
          Sessions
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={16} />} onClick={logOut}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
