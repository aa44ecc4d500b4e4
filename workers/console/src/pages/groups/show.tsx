/** One group. */
import { Page } from '../../parts/page.tsx';

export default function GroupPage() {
  return <Page title="Group">{null}</Page>;
}
