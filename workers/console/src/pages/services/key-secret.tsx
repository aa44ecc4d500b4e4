/** A new Service Key, shown this once: to save, to copy in each of its forms, and how to use it. */
import { Button, CopyButton, Group, Stack, Tabs, Text, Title } from '@mantine/core';
import { Check, Copy, Download, ShieldAlert } from 'lucide-react';
import type { ServiceKeyFile } from '#schema/control/service-key.ts';
import { saveFile } from '../../browser/save-file.ts';
import { CodeBlock } from '../../parts/code-block.tsx';
import { Notice } from '../../parts/notice.tsx';
import { fileName, formsOf, uses } from './key-forms.ts';

export function KeySecret({ file, close }: { file: ServiceKeyFile; close: () => void }) {
  const forms = formsOf(file);
  return (
    <Stack>
      <Notice icon={ShieldAlert} title="It is shown this once">
        Its private half was made in this browser and is kept nowhere else. Whoever has it can reach this
        Service’s Resources.
      </Notice>
      <Group>
        <Button
          data-autofocus
          leftSection={<Download size={16} />}
          onClick={() => saveFile(fileName, forms[0]!.text)}
        >
          Download {fileName}
        </Button>
      </Group>
      <Tabs defaultValue="file">
        <Tabs.List aria-label="Form of the key">
          {forms.map(({ id, title }) => (
            <Tabs.Tab key={id} value={id}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {forms.map(({ id, title, text }) => (
          <Tabs.Panel key={id} value={id} pt="sm">
            <Stack gap="xs">
              <CodeBlock label={`key as ${title.toLowerCase()}`}>{text}</CodeBlock>
              <Group>
                <CopyForm title={title} text={text} />
              </Group>
            </Stack>
          </Tabs.Panel>
        ))}
      </Tabs>
      <Title order={3}>Use it</Title>
      <Tabs defaultValue="linux">
        <Tabs.List aria-label="Where it is used">
          {uses.map(({ id, title }) => (
            <Tabs.Tab key={id} value={id}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {uses.map(({ id, title, about, text }) => (
          <Tabs.Panel key={id} value={id} pt="sm">
            <Stack gap="xs">
              <Text size="sm" c="dimmed">
                {about}
              </Text>
              <CodeBlock label={`commands for ${title}`}>{text}</CodeBlock>
            </Stack>
          </Tabs.Panel>
        ))}
      </Tabs>
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>
          I have saved the key
        </Button>
      </Group>
    </Stack>
  );
}

const CopyForm = ({ title, text }: { title: string; text: string }) => (
  <CopyButton value={text} timeout={2000}>
    {({ copied, copy }) => (
      <Button
        variant="default"
        size="compact-md"
        leftSection={copied ? <Check size={16} /> : <Copy size={16} />}
        onClick={copy}
      >
        {copied ? 'Copied' : `Copy as ${title.toLowerCase()}`}
      </Button>
    )}
  </CopyButton>
);
