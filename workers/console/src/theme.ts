/** How the console looks: one accent, system fonts, both colour schemes with readable contrast. */
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

const gate: MantineColorsTuple = [
  '#e6fbf7',
  '#cdf3ec',
  '#9be6d9',
  '#65d8c5',
  '#3accb4',
  '#1fc4a9',
  '#0d9488',
  '#0f766e',
  '#115e59',
  '#134e4a',
];

export const theme = createTheme({
  primaryColor: 'gate',
  primaryShade: 7,
  colors: { gate },
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "JetBrains Mono", Menlo, Consolas, monospace',
  defaultRadius: 'md',
  cursorType: 'pointer',
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.15rem' }, h3: { fontSize: '1rem' } },
  },
  components: {
    Badge: {
      defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 600 },
      // A state that is cut off says nothing: tables scroll instead.
      styles: { root: { flexShrink: 0, minWidth: 'max-content' } },
    },
    // By styles, so that dialogs, which are made of it, can do without.
    Paper: { defaultProps: { withBorder: true }, styles: { root: { padding: 'var(--mantine-spacing-md)' } } },
    Tooltip: {
      defaultProps: {
        withArrow: true,
        multiline: true,
        maw: 320,
        events: { hover: true, focus: true, touch: true },
      },
    },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Modal: {
      defaultProps: {
        centered: true,
        overlayProps: { backgroundOpacity: 0.5, blur: 2 },
        closeButtonProps: { 'aria-label': 'Close' },
      },
      styles: { content: { padding: 0 }, title: { fontWeight: 600 } },
    },
    Drawer: { styles: { content: { padding: 0 } } },
  },
});

/** Of buttons and badges with white text. In each scheme, or the library’s own would win. */
const underWhite = {
  '--mantine-color-red-filled': '#c92a2a',
  '--mantine-color-red-filled-hover': '#b02525',
};

/** Texts in colour at a contrast of 4.5 and more on every ground (WCAG 2.2, 1.4.3). */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#555d66',
    '--mantine-color-placeholder': '#667079',
    '--mantine-color-error': '#c92a2a',
    ...underWhite,
    '--mantine-color-anchor': '#0f766e',
    // Of badges and alerts, on their own tint.
    '--mantine-color-teal-light-color': '#05543c',
    '--mantine-color-red-light-color': '#9b1c1c',
    '--mantine-color-orange-light-color': '#8a3a06',
    '--mantine-color-yellow-light-color': '#6b4300',
    '--mantine-color-blue-light-color': '#11498f',
    '--mantine-color-gray-light-color': '#343a40',
  },
  dark: {
    '--mantine-color-dimmed': '#a9b0b8',
    '--mantine-color-placeholder': '#8f979f',
    '--mantine-color-error': '#ff8787',
    ...underWhite,
    '--mantine-color-anchor': '#3accb4',
    // The library's is darker than the page.
    '--mantine-color-gray-light': '#3b4046',
    '--mantine-color-gray-light-hover': '#454b52',
    '--mantine-color-gray-light-color': '#e9ecef',
  },
});
