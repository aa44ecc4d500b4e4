/** Recent Activity: what happened to flows. */
import { Page } from '../../parts/page.tsx';

export default function ActivityList() {
  return <Page title="Recent Activity">{null}</Page>;
}
