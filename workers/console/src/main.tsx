/**
 * The console's first file: puts up the frame that every page needs (colours, data, router), and sends
 * whoever is not logged in to their identity provider.
 */
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { lazy, StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { loginUrl } from './api/place.ts';
import { Problem } from './api/problem.ts';
import { createConsoleRouter } from './router.tsx';
import { cssVariables, theme } from './theme.ts';

const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
// Where libraries look that put style elements into the page (get-nonce).
Object.assign(globalThis, { __webpack_nonce__: nonce });

/** A session that ended while the page was open: the login brings them back to where they are. */
const onError = (error: unknown) => {
  if (error instanceof Problem && error.status === 401) location.assign(loginUrl());
};

const queries = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) => count < 2 && error instanceof Problem && error.retry,
    },
  },
});

const Setup = lazy(() => import('./pages/setup/setup.tsx'));
const page =
  location.pathname === '/setup' ? (
    <Suspense>
      <Setup />
    </Suspense>
  ) : (
    <RouterProvider router={createConsoleRouter(queries)} />
  );

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" />
        {page}
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
