// graphql-ws: queries, errors and subscriptions on one socket, resuming by cursor, and the close code for a bad token.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { authorization, createDeal, main, rename, socket, until, within } from './gateway.mjs';

const connect = (Authorization, more = {}) =>
  createClient({ url: socket, webSocketImpl: WebSocket, connectionParams: { Authorization }, retryAttempts: 0, ...more });
const client = connect(authorization, { lazy: false, keepAlive: 500 });
const id = await createDeal('graphql-ws');
const WATCH = 'subscription ($id: ID!, $since: String) { opportunityChanged(filter: { id: { eq: $id } }, since: $since) { cursor type opportunity { name } } }';
const watch = (since) => client.iterate({ query: WATCH, variables: { id, since } });
const once = async (request) => {
  for await (const answer of client.iterate(request)) return answer;
};
const event = ({ data, errors }) => {
  assert.equal(errors, undefined);
  return data.opportunityChanged;
};
let cursor;

await main({
  'a ping is answered': () =>
    within('pong', new Promise((resolve) => client.on('pong', (received) => received && resolve()))),
  'a query is answered once': async () => {
    const { data } = await once({ query: 'query ($id: ID!) { opportunity(id: $id) { name } }', variables: { id } });
    assert.deepEqual(data, { opportunity: { name: 'graphql-ws' } });
  },
  'a broken document is an error of that operation alone': async () => {
    await assert.rejects(once({ query: '{ nothing }' }), ([error]) => error.extensions.code === 'BAD_REQUEST');
    assert.deepEqual((await once({ query: '{ __typename }' })).data, { __typename: 'Query' });
  },
  'an event comes': async () => {
    const events = watch();
    const { value } = await until('event', events.next(), (turn) => rename(id, `told ${turn}`));
    ({ cursor } = event(value));
    await events.return();
  },
  'what happened meanwhile comes first, in order, after the cursor': async () => {
    for (const name of ['missed 1', 'missed 2', 'missed 3']) await rename(id, name);
    const events = watch(cursor);
    const cursors = [];
    for (let count = 0; count < 3; count += 1) {
      const { value } = await within(`missed event ${count + 1}`, events.next());
      cursors.push(event(value).cursor);
      // The record is told as it is now, not as it was.
      assert.equal(event(value).opportunity.name, 'missed 3');
    }
    assert.equal(new Set([cursor, ...cursors]).size, 4, 'an event was repeated');
    await events.return();
  },
  'a cursor that is none of ours is an error': () =>
    assert.rejects(watch('nonsense').next(), ([error]) => error.extensions.code === 'BAD_REQUEST'),
  'a bad token closes the socket': async () => {
    const stranger = connect('Bearer wrong');
    await assert.rejects(stranger.iterate({ query: '{ __typename }' }).next(), ({ code }) => code === 4403);
  },
});
