/**
 * What to run where a Connector is to be, word for word, with the Tenant's address and the one-time token in
 * it. Containers without a disk keep their key in a secret of their own; the others in a volume or directory.
 * `sallyportd connector --help` has every setting (`node-agents/process/settings.ts`).
 */
export interface Enrolment {
  /** Of the Tenant. */
  url: string;
  token: string;
  /** The Connector's. */
  name: string;
  image: string;
}
export interface Text {
  id: string;
  title: string;
  /** What has to be there, in a sentence or two. */
  before: string;
  text: string;
}
export declare const texts: (enrolment: Enrolment) => Text[];
/** A Controller that only its own machine reaches: containers there must share its network. */
export declare const isLoopback: (url: string) => boolean;
/** `office-1`: fit for containers, units and Kubernetes alike. */
export declare const slugOf: (name: string) => string;
