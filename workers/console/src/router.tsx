/**
 * Every page of the console and its place: each is loaded when somebody first goes there. What a page keeps
 * in its URL (searches, filters) is validated here, so that a link that somebody sends shows the same.
 */
import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { type Role, roles } from '#schema/people/roles.ts';
import { activitySearch } from './api/activity-search.ts';
import { consoleBase } from './api/place.ts';
import { sessionQuery } from './api/session.ts';
import { Fault } from './shell/fault.tsx';
import { Layout } from './shell/layout.tsx';
import { NotFound } from './shell/not-found.tsx';

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  loader: ({ context }) => context.queries.ensureQueryData(sessionQuery),
  component: Layout,
  errorComponent: Fault,
  notFoundComponent: NotFound,
});

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
/** A list's search, in the URL as `q`. */
const listSearch = (search: Record<string, unknown>): { q?: string | undefined } => ({
  q: text(search['q']),
});

const peopleSearch = (
  search: Record<string, unknown>,
): { q?: string | undefined; role?: Role | undefined } => ({
  q: text(search['q']),
  role: roles.find((role) => role === search['role']),
});

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/overview/overview.tsx')),
});
const activity = createRoute({
  getParentRoute: () => root,
  path: '/activity',
  validateSearch: activitySearch,
  component: lazyRouteComponent(() => import('./pages/activity/list.tsx')),
});
const explain = createRoute({
  getParentRoute: () => root,
  path: '/explain',
  validateSearch: (search: Record<string, unknown>) => ({
    principal: text(search['principal']),
    destination: text(search['destination']),
  }),
  component: lazyRouteComponent(() => import('./pages/explain/explain.tsx')),
});
const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./pages/audit/list.tsx')),
});
const networks = createRoute({
  getParentRoute: () => root,
  path: '/networks',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./pages/networks/list.tsx')),
});
const network = createRoute({
  getParentRoute: () => root,
  path: '/networks/$id',
  component: lazyRouteComponent(() => import('./pages/networks/show.tsx')),
});
const addConnector = createRoute({
  getParentRoute: () => root,
  path: '/networks/$id/add-connector',
  component: lazyRouteComponent(() => import('./pages/connectors/add.tsx')),
});
const connector = createRoute({
  getParentRoute: () => root,
  path: '/connectors/$id',
  component: lazyRouteComponent(() => import('./pages/connectors/show.tsx')),
});
const resources = createRoute({
  getParentRoute: () => root,
  path: '/resources',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./pages/resources/list.tsx')),
});
const resource = createRoute({
  getParentRoute: () => root,
  path: '/resources/$id',
  component: lazyRouteComponent(() => import('./pages/resources/show.tsx')),
});
const services = createRoute({
  getParentRoute: () => root,
  path: '/services',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./pages/services/list.tsx')),
});
const service = createRoute({
  getParentRoute: () => root,
  path: '/services/$id',
  component: lazyRouteComponent(() => import('./pages/services/show.tsx')),
});
const people = createRoute({
  getParentRoute: () => root,
  path: '/people',
  validateSearch: peopleSearch,
  component: lazyRouteComponent(() => import('./pages/people/list.tsx')),
});
const person = createRoute({
  getParentRoute: () => root,
  path: '/people/$id',
  component: lazyRouteComponent(() => import('./pages/people/show.tsx')),
});
const groups = createRoute({
  getParentRoute: () => root,
  path: '/groups',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./pages/groups/list.tsx')),
});
const group = createRoute({
  getParentRoute: () => root,
  path: '/groups/$id',
  component: lazyRouteComponent(() => import('./pages/groups/show.tsx')),
});
const policies = createRoute({
  getParentRoute: () => root,
  path: '/policies',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./pages/policies/list.tsx')),
});
const policy = createRoute({
  getParentRoute: () => root,
  path: '/policies/$id',
  component: lazyRouteComponent(() => import('./pages/policies/show.tsx')),
});
const identity = createRoute({
  getParentRoute: () => root,
  path: '/identity',
  component: lazyRouteComponent(() => import('./pages/identity/show.tsx')),
});
const apiTokens = createRoute({
  getParentRoute: () => root,
  path: '/api-tokens',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./pages/api-tokens/list.tsx')),
});
const sessions = createRoute({
  getParentRoute: () => root,
  path: '/sessions',
  component: lazyRouteComponent(() => import('./pages/sessions/list.tsx')),
});
const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(() => import('./pages/settings/show.tsx')),
});

const tree = root.addChildren([
  overview,
  activity,
  explain,
  audit,
  networks,
  network,
  addConnector,
  connector,
  resources,
  resource,
  services,
  service,
  people,
  person,
  groups,
  group,
  policies,
  policy,
  identity,
  apiTokens,
  sessions,
  settings,
]);

export const createConsoleRouter = (queries: QueryClient) =>
  createRouter({
    routeTree: tree,
    basepath: consoleBase,
    context: { queries },
    defaultPreload: 'intent',
    defaultErrorComponent: Fault,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: true,
    trailingSlash: 'preserve',
  });

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
