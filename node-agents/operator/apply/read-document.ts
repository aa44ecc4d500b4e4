/**
 * Reads the document that `sallyport apply` is given, and says in one sentence what is wrong with it.
 */
import { readFileSync } from 'node:fs';
import { type ConfigurationDocument, configurationDocument } from '#schema/config/document.ts';
import { SallyportError } from '#schema/errors.ts';

/** @param path `-`: standard input. @throws SallyportError config_invalid */
export function readDocument(path: string): ConfigurationDocument {
  const parsed = configurationDocument.safeParse(parse(path, read(path)));
  if (!parsed.success) {
    const each = parsed.error.issues
      .slice(0, 5)
      .map(({ path, message }) => `${path.join('.') || 'the document'}: ${message}`);
    throw wrong(path, each.join('; '));
  }
  const { networks = [], resources = [], services = [], grants = [] } = parsed.data;
  once(
    path,
    'networks',
    networks.map(({ name }) => name),
  );
  once(
    path,
    'resources',
    resources.map(({ name }) => name),
  );
  once(
    path,
    'services',
    services.map(({ name }) => name),
  );
  once(
    path,
    'grants',
    grants.map(({ service, resource }) => `${service}/${resource}`),
  );
  return parsed.data;
}

function read(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    throw wrong(path, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw wrong(path, `is not JSON: ${(cause as Error).message}`, cause);
  }
}

function once(path: string, list: string, names: string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw wrong(path, `${list}: ${twice} is there twice`);
}

const wrong = (path: string, what: string, cause?: unknown) =>
  new SallyportError('config_invalid', `${path} ${what}.`, { cause });
