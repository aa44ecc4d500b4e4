/**
 * How the console is built: hashed files below `/console-assets/`, which the host serves as they are, and
 * one page that the Controller sends with a policy of its own (`controller/console/mount.ts`).
 */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig(({ command }) => ({
  root: import.meta.dirname,
  base: '/',
  plugins: [react()],
  // Also where the process that builds is a test's or a Controller's, whose NODE_ENV says something else.
  ...(command === 'build' && {
    define: { 'process.env.NODE_ENV': '"production"' },
    oxc: { jsx: { runtime: 'automatic', development: false } },
  }),
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsDir: 'console-assets',
    target: 'es2023',
    // The polyfill would be an inline script.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    // data: URLs in style sheets are refused by the page's policy.
    assetsInlineLimit: 0,
  },
  server: {
    port: 5173,
    strictPort: true,
    proxy: { '/api': 'http://127.0.0.1:8787', '/t': 'http://127.0.0.1:8787' },
  },
}));
