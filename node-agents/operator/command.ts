/**
 * What a command of the operator CLI is. The tables are in `commands/`; `arguments.ts` reads a command line
 * by them, `run.ts` carries it out, `help.ts` prints them.
 */
import type { Kind } from './names.ts';
import type { Api } from './request.ts';

export interface Field {
  /** Flag without dashes. */
  flag: string;
  help: string;
  required?: boolean;
  /** How the text becomes a value; plain text when absent. A `switch` takes no value, a `file` is read. */
  as?:
    | 'number'
    | 'boolean'
    | 'ports'
    | 'list'
    | 'pairs'
    | 'expiry'
    | 'clearable'
    | 'switch'
    | 'json'
    | 'file';
  /** The body's or query's field; by default the flag with underscores. Null: it is not sent. */
  sends?: string | null;
  /** Its text is an id, or the name of one of these. */
  names?: Kind;
}

export interface Command {
  /** `network create`, or one word. */
  name: string;
  help: string;
  /** Method and path below /api/v1. Each `:kind` is an argument: an id, or the name of one of its kind. */
  request?: string;
  /** Arguments of a command that is not one request, as help shows them. */
  takes?: string[];
  fields?: Field[];
  /** Fields of an item that are shown as a table; `a.b` is field b of a. All of them with --json. */
  columns?: string[];
  /** Uses the deployment's operator token rather than a Tenant's API token. */
  operator?: boolean;
  /** Carries the command out where that is more than one request and its answer. */
  run?: (call: Call) => Promise<void>;
}

/** A command line, read. */
export interface Call {
  command: Command;
  method: Method;
  /** With its arguments filled in. */
  path: string;
  args: string[];
  /** What is sent. */
  fields: Record<string, unknown>;
  /** What is not. */
  own: Record<string, unknown>;
  json: boolean;
  api: Api;
  host: Host;
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** What a command has of its surroundings. */
export interface Host {
  write(text: string): void;
  /** Resolves after that time; false when the user has asked for the end. */
  pause(ms: number): Promise<boolean>;
}
