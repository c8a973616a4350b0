// urql: a query and a mutation by POST, a persisted GET, and a subscription over SSE, all through its own fetch exchange.
import assert from 'node:assert/strict';
import { Client, cacheExchange, fetchExchange, gql } from '@urql/core';
import { authorization, createDeal, endpoint, main, rename, until } from './gateway.mjs';

const client = new Client({
  url: endpoint,
  exchanges: [cacheExchange, fetchExchange],
  fetchOptions: { headers: { Authorization: authorization } },
  fetchSubscriptions: true,
  preferGetMethod: 'within-url-limit',
});
const id = await createDeal('urql');
const DEAL = gql`query Deal($id: ID!) { opportunity(id: $id) { id name stage } }`;
const RENAME = gql`
  mutation Rename($id: ID!, $name: String!) {
    updateOpportunity(id: $id, input: { name: $name }) { opportunity { id name } userErrors { message } }
  }
`;
const WATCH = gql`subscription Watch($id: ID!) { opportunityChanged(filter: { id: { eq: $id } }) { type opportunityId opportunity { id name } actor { __typename ... on ApiKey { name } } } }`;

await main({
  'a query is answered as JSON, though it would take a stream': async () => {
    const { data, error } = await client.query(DEAL, { id }).toPromise();
    assert.equal(error, undefined);
    assert.equal(data.opportunity.name, 'urql');
  },
  'a mutation makes the cached query run again': async () => {
    const { data, error } = await client.mutation(RENAME, { id, name: 'urql, renamed' }).toPromise();
    assert.equal(error, undefined);
    assert.deepEqual(data.updateOpportunity.userErrors, []);
    const again = await client.query(DEAL, { id }).toPromise();
    assert.equal(again.data.opportunity.name, 'urql, renamed');
  },
  'a broken query carries the code of its error': async () => {
    const { error } = await client.query('{ nothing }', {}).toPromise();
    assert.equal(error?.graphQLErrors[0]?.extensions.code, 'BAD_REQUEST');
  },
  'an event comes over SSE': async () => {
    const seen = new Promise((resolve, reject) => {
      const { unsubscribe } = client.subscription(WATCH, { id }).subscribe(({ data, error }) => {
        queueMicrotask(() => unsubscribe());
        if (error) reject(error);
        else resolve(data.opportunityChanged);
      });
    });
    const event = await until('event', seen, (turn) => rename(id, `urql, told ${turn}`));
    assert.equal(event.opportunityId, id);
    assert.deepEqual(Object.keys(event.actor).sort(), ['__typename', 'name']);
    assert.match(event.opportunity.name, /^urql, told /);
  },
});
