/** API tokens. */
import { Page } from '../../parts/page.tsx';

export default function ApiTokenList() {
  return <Page title="API tokens">{null}</Page>;
}
