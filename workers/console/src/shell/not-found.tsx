/** Where a link leads nowhere. */
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Compass } from 'lucide-react';
import { Empty } from '../parts/empty.tsx';

export const NotFound = () => (
  <Empty
    icon={Compass}
    title="There is no such page"
    action={
      <Button component={Link} to="/" variant="light">
        To the overview
      </Button>
    }
  >
    The link may be old, or what it showed was deleted.
  </Empty>
);
