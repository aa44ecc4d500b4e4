/** What administrators changed. */
import { Page } from '../../parts/page.tsx';

export default function AuditList() {
  return <Page title="Audit log">{null}</Page>;
}
