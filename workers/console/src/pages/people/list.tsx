/** People. */
import { Page } from '../../parts/page.tsx';

export default function PeopleList() {
  return <Page title="People">{null}</Page>;
}
