/**
 * The dialog that makes a Service Key. The pair is generated in the browser and the public half alone is sent;
 * the private half stays in the state of this dialog, is shown once, and goes with it. Not even the cache of
 * changes sees it: that holds what was sent and answered.
 */
import { Button, Group, Modal, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Infinity as Endless } from 'lucide-react';
import { useState } from 'react';
import type { ServiceKeyFile } from '#schema/control/service-key.ts';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { generateKey } from '../../browser/generate-key.ts';
import { now } from '../../browser/now.ts';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Notice } from '../../parts/notice.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { dayOf, daysOf, expiryChoices, usualExpiry } from './key-expiry.ts';
import { KeySecret } from './key-secret.tsx';

interface Props {
  service: { id: string; name: string };
  close: () => void;
}

/** Shown where it cannot go by itself, as the button that opened it may: a list fills up behind it. */
export function CreateKey({ service, close }: Props) {
  const [made, setMade] = useState<ServiceKeyFile>();
  const [waiting, setWaiting] = useState(false);
  // A key whose private half nobody has seen would be left behind.
  const leave = () => !waiting && close();
  if (made)
    return (
      // No way out by accident: what is here is shown this once.
      <Modal
        key="secret"
        opened
        onClose={close}
        size="xl"
        title="Save this key now"
        closeOnClickOutside={false}
        closeOnEscape={false}
        withCloseButton={false}
      >
        <KeySecret file={made} close={close} />
      </Modal>
    );
  return (
    <Modal
      opened
      onClose={leave}
      title={`Generate a key for ${service.name}`}
      closeButtonProps={{ 'aria-label': 'Close', disabled: waiting }}
    >
      <Form service={service} close={leave} made={setMade} waiting={setWaiting} />
    </Modal>
  );
}

interface FormProps {
  service: { id: string };
  close: () => void;
  made: (file: ServiceKeyFile) => void;
  /** Whether the Controller is being asked. */
  waiting: (now: boolean) => void;
}

interface Sent {
  name: string;
  expires_in_days: number | null;
  public_key: Record<string, unknown>;
}

function Form({ service: { id }, close, made, waiting }: FormProps) {
  const [failure, setFailure] = useState<unknown>();
  const form = useForm({
    initialValues: { name: '', expiry: usualExpiry, date: '' },
    validate: {
      date: (date, { expiry }) =>
        daysOf(expiry, date, now()) === undefined ? 'A day after today, within 100 years' : null,
    },
  });
  const { expiry } = form.values;
  const create = useChange(
    (json: Sent) => take(api['service-accounts'][':id'].keys.$post({ param: { id }, json })),
    { quiet: true, done: ({ name }) => `Key ${name} created` },
  );
  const submit = form.onSubmit(async ({ name, expiry, date }) => {
    setFailure(undefined);
    waiting(true);
    try {
      const { publicKey, privateKey } = await generateKey();
      const sent = { name, expires_in_days: daysOf(expiry, date, now()) ?? null, public_key: publicKey };
      const { service_key: given } = await create.mutateAsync(sent);
      const { version, network, service_account_id, ...rest } = given;
      made({ version, network, service_account_id, ...rest, private_key: privateKey });
    } catch (error) {
      if (!showFieldErrors(error, form.setErrors)) setFailure(error);
    } finally {
      waiting(false);
    }
  });
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          description="Where it will be used."
          placeholder="build-1"
          data-autofocus
          required
          maxLength={100}
          {...form.getInputProps('name')}
        />
        <NativeSelect
          label="Expires"
          description="Set now, and never changed later."
          data={expiryChoices}
          {...form.getInputProps('expiry')}
        />
        {expiry === 'date' && (
          <TextInput
            type="date"
            label="Date"
            required
            min={dayOf(now() + 24 * 3_600_000)}
            {...form.getInputProps('date')}
          />
        )}
        {expiry === 'never' && (
          <Notice icon={Endless} title="A key without an end">
            It opens this Service’s Resources until somebody revokes it. Prefer an end, and a new key before
            it.
          </Notice>
        )}
        <Refusal error={failure} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close} disabled={form.submitting}>
            Cancel
          </Button>
          <Button type="submit" loading={form.submitting}>
            Generate
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
