/** Why a principal reaches a destination, or not. */
import { Page } from '../../parts/page.tsx';

export default function Explain() {
  return <Page title="Explain">{null}</Page>;
}
