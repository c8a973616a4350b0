// What a TypeScript application writes with openapi-typescript: every path, parameter, body and answer typed by the description.
import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import type { components, paths } from './generated/schema';
import { AFTER, BEFORE, roundTrip, STAGES } from '../round-trip';

const [url = '', token = ''] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
type Opportunity = components['schemas']['Opportunity'];

const accounts = await client.GET('/api/accounts/', { params: { query: { limit: 1 } } });
const account = accounts.data?.results[0];
assert.ok(account?.id);

const created = await client.POST('/api/opportunities/', { body: { name: 'Typed', accountId: account.id, value: 1234.5, stage: 'proposal' } });
assert.equal(created.response.status, 201);
const deal: Opportunity | undefined = created.data;
assert.ok(deal);
const path = { id: deal.id };
const [name, value, accountName]: [string, number | null, string] = [deal.name, deal.value, deal.accountName];
assert.deepEqual([name, value, accountName], ['Typed', 1234.5, account.name]);

const got = await client.GET('/api/opportunities/{id}/', { params: { path } });
assert.deepEqual(got.data, deal);

const list = await client.GET('/api/opportunities/', { params: { query: { search: 'typed', stage: ['proposal'], limit: 5 } } });
assert.ok(list.data?.results.some((item) => item.id === deal.id));

const etag = got.response.headers.get('ETag') ?? '';
const patched = await client.PATCH('/api/opportunities/{id}/', {
  params: { path, header: { 'If-Match': etag } },
  body: { name: 'Typed, renamed', closeDate: null },
});
assert.equal(patched.data?.name, 'Typed, renamed');

const stale = await client.PATCH('/api/opportunities/{id}/', { params: { path, header: { 'If-Match': etag } }, body: { name: 'Too late' } });
assert.equal(stale.response.status, 412);
assert.equal(stale.error?.code, 'precondition_failed');

// @ts-expect-error a deal needs an account
const refused = await client.POST('/api/opportunities/', { body: { name: 'No account' } });
assert.equal(refused.response.status, 422);
assert.deepEqual(refused.error?.errors?.map(({ field }) => field), ['accountId']);

const deleted = await client.DELETE('/api/opportunities/{id}/', { params: { path } });
assert.equal(deleted.response.status, 204);
const gone = await client.GET('/api/opportunities/{id}/', { params: { path } });
assert.equal(gone.response.status, 404);
assert.equal(gone.error?.code, 'not_found');

const there = <T>(data: T | undefined): T => {
  assert.ok(data);
  return data;
};
const between = { stage: STAGES, closeDateAfter: AFTER, closeDateBefore: BEFORE };
await roundTrip({
  all: async () => there((await client.GET('/api/opportunities/')).data).count,
  some: async () => there((await client.GET('/api/opportunities/', { params: { query: between } })).data),
  create: async (accountId, value) =>
    there((await client.POST('/api/opportunities/', { body: { name: 'Generated', accountId, value, closeDate: '2027-02-28' } })).data),
  clear: async (id) => there((await client.PATCH('/api/opportunities/{id}/', { params: { path: { id } }, body: { closeDate: null } })).data),
  remove: async (id) => (await client.DELETE('/api/opportunities/{id}/', { params: { path: { id } } })).response.status,
  refused: async () => {
    const { error, response } = await client.POST('/api/opportunities/', { body: { name: 'Generated', accountId: 'acc_nowhere' } });
    return [response.status, error?.errors?.map(({ field }) => field) ?? []];
  },
});
