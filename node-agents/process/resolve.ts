/**
 * Says where a module is without looking for it. In this tree, in zod and in jose every import within names its
 * file in full, yet Node asks the file system and each `package.json` on the way for every one of 800 imports:
 * more than half of the time that a Client took until it listened. Loaded by `sallyportd.js`; whatever is not
 * of this form goes Node's own way.
 */
import { type ResolveFnOutput, registerHooks } from 'node:module';

const root = new URL('../../', import.meta.url).href;
/** Ours: `#schema/x.ts` is `schema/x.ts`, as `imports` in package.json says. */
const folders = ['schema/', 'node-agents/'];
/** Packages of ES modules alone. */
const packages = ['zod/', 'jose/'].map((name) => `${root}node_modules/${name}`);
/** What zod would say in other languages: 60 files, and no agent speaks them. English is imported by itself. */
const languages = `${root}node_modules/zod/v4/locales/index.js`;
const nothing = 'data:text/javascript,';

export function resolveQuickly(): void {
  registerHooks({
    resolve: (specifier, { parentURL = '' }, next) => placeOf(specifier, parentURL) ?? next(specifier),
  });
}

/** Undefined where Node has to look. */
export function placeOf(specifier: string, parent: string): ResolveFnOutput | undefined {
  if (specifier.startsWith('node:')) return { url: specifier, format: 'builtin', shortCircuit: true };
  if (parent.endsWith('.ts') && isOurs(parent)) {
    const url = specifier.startsWith('#')
      ? root + specifier.slice(1)
      : specifier.startsWith('.')
        ? new URL(specifier, parent).href
        : undefined;
    if (url?.endsWith('.ts') && isOurs(url)) return { url, format: 'module-typescript', shortCircuit: true };
  } else if (specifier.startsWith('.') && specifier.endsWith('.js') && isOfPackage(parent)) {
    const url = new URL(specifier, parent).href;
    return { url: url === languages ? nothing : url, format: 'module', shortCircuit: true };
  }
  return undefined;
}

const isOurs = (url: string): boolean =>
  url.startsWith(root) && folders.some((folder) => url.startsWith(folder, root.length));

const isOfPackage = (url: string): boolean =>
  url.endsWith('.js') && packages.some((name) => url.startsWith(name));
