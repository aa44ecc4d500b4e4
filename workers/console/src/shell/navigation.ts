/** The console's pages as the side bar lists them, and what somebody needs to be shown each. */
import {
  Activity,
  Boxes,
  ClipboardList,
  Fingerprint,
  KeyRound,
  LayoutDashboard,
  type LucideIcon,
  Network,
  Route,
  Server,
  Settings,
  ShieldCheck,
  Users,
  UsersRound,
} from 'lucide-react';
import type { ScopeName } from '#schema/people/scopes.ts';

export interface NavigationEntry {
  title: string;
  to: string;
  icon: LucideIcon;
  needs?: ScopeName;
}

export const navigation: { title?: string; entries: NavigationEntry[] }[] = [
  {
    entries: [
      { title: 'Overview', to: '/', icon: LayoutDashboard },
      { title: 'Recent Activity', to: '/activity', icon: Activity, needs: 'events:read' },
      { title: 'Explain', to: '/explain', icon: Route, needs: 'grants:read' },
    ],
  },
  {
    title: 'Network',
    entries: [
      { title: 'Remote Networks', to: '/networks', icon: Network, needs: 'networks:read' },
      { title: 'Resources', to: '/resources', icon: Server, needs: 'resources:read' },
    ],
  },
  {
    title: 'Team',
    entries: [
      { title: 'Services', to: '/services', icon: Boxes, needs: 'services:read' },
      { title: 'People', to: '/people', icon: Users, needs: 'users:read' },
      { title: 'Groups', to: '/groups', icon: UsersRound, needs: 'groups:read' },
      { title: 'Policies', to: '/policies', icon: ShieldCheck, needs: 'policies:read' },
    ],
  },
  {
    title: 'Administration',
    entries: [
      { title: 'Identity provider', to: '/identity', icon: Fingerprint, needs: 'idp:read' },
      { title: 'API tokens', to: '/api-tokens', icon: KeyRound, needs: 'tokens:read' },
      { title: 'Audit log', to: '/audit', icon: ClipboardList, needs: 'audit:read' },
      { title: 'Settings', to: '/settings', icon: Settings, needs: 'tenant:read' },
    ],
  },
];
