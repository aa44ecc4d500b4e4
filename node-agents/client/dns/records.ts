/**
 * Records other than addresses of protected names: asked at a Connector of their Remote Network over a flow
 * of protocol `dns`, one for each name, which stays open a while for the next question. What comes back is
 * checked, cleared of addresses that lead nowhere from here, and handed to `resolver.ts`.
 */
import type { Query } from '#schema/name/message.ts';
import type { ResponseDraft } from '#schema/name/write-message.ts';

export interface RecordsRequest {
  /** Id of the Remote Network. */
  network: string;
  /** The protected name or address that the question belongs to. */
  host: string;
  query: Query;
  clientAddress: string;
}

/** Resolves with the Connector's answer, or SERVFAIL when there is none in time. Never rejects. */
export type AskRecords = (request: RecordsRequest) => Promise<ResponseDraft>;
