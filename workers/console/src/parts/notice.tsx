/** What somebody should know before they go on: nothing has failed. */
import { Alert } from '@mantine/core';
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';

export const Notice = ({
  icon: Icon,
  title,
  children,
}: {
  icon: LucideIcon;
  title: string;
  children: ReactNode;
}) => (
  <Alert color="yellow" icon={<Icon size={18} aria-hidden />} title={title}>
    {children}
  </Alert>
);
