import { expect, type Product } from './product.ts';

/** Puts a policy in force by REST and gives its revision. */
export async function setPolicy(
  { api, organisation }: Product,
  source: string,
  reason: string,
): Promise<number> {
  const running = await api<{ revision: number }>('GET', '/v1/policies/running');
  const { id, revision } = await api<{ id: string; revision: number }>('POST', '/v1/policies/deploy', {
    documents: [{ layer: 'global', source }],
    basedOn: running.revision,
    reason,
    confirm: organisation.name,
  });
  await expect
    .poll(
      async () => (await api<{ counts: { applied?: number } }>('GET', `/v1/rollouts/${id}`)).counts.applied,
    )
    .toBe(1);
  return revision;
}
