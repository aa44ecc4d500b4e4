/**
 * SCIM's PATCH (RFC 7644 §3.5.2) on a resource, by a library; and what identity providers send that is not
 * quite it: operations in capitals, paths that name an extension, a value that is an object of paths.
 */
import { ScimError, type ScimPatchOperation, type ScimResource, scimPatch } from 'scim-patch';
import { refuseScim, type ScimRefusal } from './answer.ts';

const mostOperations = 1_000;

export function patched(
  resource: Record<string, unknown>,
  body: Record<string, unknown>,
): { ok: true; resource: Record<string, unknown> } | ScimRefusal {
  const listed = body['Operations'] ?? body['operations'];
  if (!Array.isArray(listed) || listed.length === 0 || listed.length > mostOperations)
    return refuseScim(400, `Operations is not a list of 1 to ${mostOperations}.`, 'invalidSyntax');
  try {
    const operations = listed.flatMap(separated);
    const after = scimPatch(resource as unknown as ScimResource, operations, { mutateDocument: false });
    return { ok: true, resource: after as unknown as Record<string, unknown> };
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    const { scimCode } = error as { scimCode?: string };
    return refuseScim(400, error.message, scimCode === 'noTarget' ? 'noTarget' : 'invalidValue');
  }
}

/** Without a path, each name of the value is a path of its own: Entra sends `{"name.givenName": "…"}` so. */
function separated(operation: ScimPatchOperation): ScimPatchOperation[] {
  const { op, path, value } = operation as { op?: unknown; path?: unknown; value?: unknown };
  if (typeof op !== 'string') return [operation];
  const lower = op.toLowerCase() as 'add';
  const object = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (path !== undefined || !object) return [{ ...operation, op: lower } as ScimPatchOperation];
  return Object.entries(value).map(([name, inner]) => ({ op: lower, path: name, value: inner }));
}
