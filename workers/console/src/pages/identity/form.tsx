/** The form of an identity provider: a new one, or one that is there. */
import { Button, Group, Modal, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useChange } from '../../api/change.ts';
import { api, take } from '../../api/client.ts';
import { tenantBase } from '../../api/place.ts';
import { showFieldErrors } from '../../parts/form-errors.ts';
import { Refusal } from '../../parts/refusal.tsx';
import { emptyProvider, ProviderFields, type ProviderValues, providerBody } from './fields.tsx';
import type { Provider } from './show.tsx';

export function ProviderForm({
  provider,
  opener,
}: {
  provider?: Provider;
  opener: (open: () => void) => ReactNode;
}) {
  const [opened, { open, close }] = useDisclosure(false);
  const form = useForm<ProviderValues>({ initialValues: emptyProvider });
  const show = () => {
    form.setValues(provider ? { ...valuesOf(provider) } : emptyProvider);
    form.clearErrors();
    save.reset();
    open();
  };
  /** What was typed as a secret goes with the window. */
  const hide = () => {
    form.setFieldValue('client_secret', '');
    close();
  };
  const save = useChange(
    (values: ProviderValues) => {
      if (!provider) return take(api['identity-providers'].$post({ json: providerBody(values) }));
      const { preset: _p, issuer: _i, client_secret: secret, ...json } = values;
      return take(
        api['identity-providers'][':id'].$patch({
          param: { id: provider.id },
          json: { ...json, ...(secret !== '' && { client_secret: secret }) },
        }),
      );
    },
    { quiet: true, done: ({ name }) => `${name} saved`, after: hide },
  );
  const inFields = save.error !== null && Object.keys(form.errors).length > 0;
  return (
    <>
      {opener(show)}
      <Modal
        opened={opened}
        onClose={hide}
        size="lg"
        title={provider ? `Edit ${provider.name}` : 'Add an identity provider'}
      >
        <form
          onSubmit={form.onSubmit((values) =>
            save.mutate(values, { onError: (error) => void showFieldErrors(error, form.setErrors) }),
          )}
        >
          <Stack>
            <ProviderFields
              form={form}
              redirectUri={provider?.redirect_uri ?? `${location.origin}${tenantBase}/login/callback`}
              {...(provider && { existing: { hasSecret: provider.has_secret } })}
            />
            {!inFields && <Refusal error={save.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={hide}>
                Cancel
              </Button>
              <Button type="submit" loading={save.isPending}>
                Save
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

const valuesOf = ({
  preset,
  name,
  issuer,
  client_id,
  allowed_domains,
  creates_users,
}: Provider): ProviderValues => ({
  ...{ preset, name, issuer, client_id, allowed_domains, creates_users },
  client_secret: '',
});
