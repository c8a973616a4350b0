// graphql-sse, distinct connections mode: a query, a subscription that resumes, and errors.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';
import { authorization, createDeal, endpoint, main, rename, until, within } from './gateway.mjs';

const client = createClient({ url: endpoint, headers: { Authorization: authorization }, retryAttempts: 0 });
const id = await createDeal('graphql-sse');
const WATCH = 'subscription ($id: ID!, $since: String) { opportunityChanged(filter: { id: { eq: $id } }, since: $since) { cursor type opportunityId } }';
const watch = (since) => client.iterate({ query: WATCH, variables: { id, since } });
const event = ({ data, errors }) => {
  assert.equal(errors, undefined);
  return data.opportunityChanged;
};

await main({
  'a query is one answer, then complete': async () => {
    const answers = [];
    for await (const answer of client.iterate({ query: '{ viewer { role } }' })) answers.push(answer.data);
    assert.deepEqual(answers, [{ viewer: { role: 'ADMIN' } }]);
  },
  'events come, and the ones missed in between come after the cursor': async () => {
    const events = watch();
    const { value } = await until('event', events.next(), (turn) => rename(id, `told ${turn}`));
    await events.return();
    await rename(id, 'missed');
    const resumed = watch(event(value).cursor);
    const { value: missed } = await within('missed event', resumed.next());
    assert.equal(event(missed).opportunityId, id);
    assert.notEqual(event(missed).cursor, event(value).cursor);
    await resumed.return();
  },
  'a broken document is refused with its error': () =>
    assert.rejects(client.iterate({ query: 'subscription { nothing }' }).next(), (error) => {
      const text = JSON.stringify(error) + String(error?.message);
      return /nothing|400|Bad Request/.test(text);
    }),
  'a bad token is refused': () =>
    assert.rejects(
      createClient({ url: endpoint, headers: { Authorization: 'Bearer wrong' }, retryAttempts: 0 }).iterate({ query: '{ __typename }' }).next(),
      (error) => error.response?.status === 401,
    ),
});
