/**
 * `sallyport apply FILE`: reads what there is, plans (`plan.ts`), and makes one request for each step. A
 * second run finds nothing to do; a run that fails half-way is finished by the next.
 */
import type { Call } from '../command.ts';
import type { Api, Item } from '../request.ts';
import { type ListName, type Present, plan, references, type Step } from './plan.ts';
import { readDocument } from './read-document.ts';

const paths: Record<ListName, string> = {
  networks: '/remote-networks',
  resources: '/resources',
  services: '/service-accounts',
  grants: '/grants',
};
const signs = { create: '+', update: '~', delete: '-' };

export async function apply({ args, own, json, api, host }: Call): Promise<void> {
  const document = readDocument(args[0]!);
  const present = await listAll(api);
  const steps = plan(document, present, own.prune === true);
  const dry = own['dry-run'] === true;
  const ids = new Map(Object.entries(present).map(([list, items]) => [list, idsByName(items)]));
  for (const step of steps) {
    if (!dry) await carryOut(api, step, ids as Map<ListName, Map<string, string>>);
    if (!json) host.write(`${lineOf(step)}\n`);
  }
  if (json) {
    const changes = steps.map(({ action, list, name, changed }) => ({
      action,
      kind: list.slice(0, -1),
      name,
      fields: changed.map(fieldName),
    }));
    return host.write(`${JSON.stringify({ applied: !dry, changes }, null, 2)}\n`);
  }
  const count =
    steps.length === 0 ? 'no changes' : steps.length === 1 ? '1 change' : `${steps.length} changes`;
  host.write(`${count}${dry && steps.length > 0 ? ', none made' : ''}\n`);
}

async function listAll(api: Api): Promise<Present> {
  const [networks, resources, services, grants] = await Promise.all(
    (['networks', 'resources', 'services', 'grants'] as const).map((list) => api.all(paths[list])),
  );
  return { networks: networks!, resources: resources!, services: services!, grants: grants! };
}

const idsByName = (items: Item[]): Map<string, string> =>
  new Map(items.map(({ id, name }) => [String(name), id]));

async function carryOut(api: Api, step: Step, ids: Map<ListName, Map<string, string>>): Promise<void> {
  const { action, list, name, id } = step;
  const fields = Object.fromEntries(
    Object.entries(step.fields).map(([field, value]) => {
      const among = references[field];
      return [field, among ? ids.get(among)!.get(String(value)) : value];
    }),
  );
  const path = `${paths[list]}/${id}`;
  if (action === 'delete') return void (await api.send('DELETE', path));
  // Granting again is how a grant's end is moved.
  if (action === 'update' && list !== 'grants') return void (await api.send('PATCH', path, fields));
  const made = (await api.send('POST', paths[list], fields)) as Item;
  ids.get(list)!.set(name, made.id);
}

const lineOf = ({ action, list, name, changed }: Step): string =>
  `${signs[action]} ${list.slice(0, -1)} ${name}${changed.length > 0 ? ` (${changed.map(fieldName).join(', ')})` : ''}`;

/** As the document calls it. */
const fieldName = (field: string): string => (field in references ? references[field]!.slice(0, -1) : field);
