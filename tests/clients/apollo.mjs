// Apollo Client: a normalised cache, pages merged by cursor, a mutation, a subscription over WebSocket, automatic persisted queries.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { ask, authorization, createDeal, endpoint, main, rename, socket, until } from './gateway.mjs';

const LIST = gql`
  query Deals($after: String) {
    opportunities(first: 3, after: $after) {
      edges { cursor node { id name stage value account { id name } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;
const DEAL = gql`
  query Deal($id: ID!) { opportunity(id: $id) { id name version } }
`;
const RENAME = gql`
  mutation Rename($id: ID!, $name: String!) {
    updateOpportunity(id: $id, input: { name: $name }) { opportunity { id name version } userErrors { code field message } }
  }
`;
const WATCH = gql`
  subscription Watch($filter: OpportunityFilter) {
    opportunityChanged(filter: $filter) {
      cursor type opportunityId opportunity { id name version } changedFields
      actor { ...Who }
    }
  }
  fragment Who on Actor {
    ... on Node { id }
    ... on User { name email }
    ... on ApiKey { name }
  }
`;

const headers = { authorization };

/** What Apollo needs to know of unions and interfaces, asked for as its documentation tells. */
const { __schema: { types } } = await ask('{ __schema { types { kind name possibleTypes { name } } } }');
const abstract = types.filter(({ kind }) => kind === 'UNION' || kind === 'INTERFACE');
const possibleTypes = Object.fromEntries(abstract.map((type) => [type.name, type.possibleTypes.map(({ name }) => name)]));
assert.deepEqual(possibleTypes.Actor, ['User', 'ApiKey']);
const connections = createClient({ url: socket, webSocketImpl: WebSocket, connectionParams: { Authorization: authorization } });
const client = new ApolloClient({
  link: ApolloLink.split(
    ({ operationType }) => operationType === 'subscription',
    new GraphQLWsLink(connections),
    new HttpLink({ uri: endpoint, headers }),
  ),
  cache: new InMemoryCache({
    possibleTypes,
    typePolicies: { Query: { fields: { opportunities: relayStylePagination(['filter', 'orderBy']) } } },
  }),
});
const cached = (id) => client.cache.extract()[`Opportunity:${id}`];
const id = await createDeal('Apollo');

/** A client that sends hashes, and what it sent. */
const persisting = (useGETForHashedQueries) => {
  const sent = [];
  const recording = (address, options) => {
    const { query } = options.method === 'GET' ? Object.fromEntries(new URL(address).searchParams) : JSON.parse(options.body);
    sent.push(`${options.method} ${query === undefined ? 'hash' : 'text'}`);
    return fetch(address, options);
  };
  const sha256 = (text) => createHash('sha256').update(text).digest('hex');
  const link = new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(new HttpLink({ uri: endpoint, headers, fetch: recording }));
  return { sent, client: new ApolloClient({ link, cache: new InMemoryCache() }) };
};

/** A text of this run alone, whose hash the server can't know yet. */
const PERSISTED = gql`query Persisted_${id} { viewer { role workspace { id name } } }`;

const sends = async (useGET, expected) => {
  const { sent, client: persistent } = persisting(useGET);
  const { data } = await persistent.query({ query: PERSISTED });
  assert.equal(data.viewer.role, 'ADMIN');
  assert.deepEqual(sent, expected);
};

await main({
  'a query fills a cache normalised by id': async () => {
    const { data } = await client.query({ query: LIST });
    const [{ node }] = data.opportunities.edges;
    assert.equal(cached(node.id).name, node.name);
    assert.equal(client.cache.extract()[`Account:${node.account.id}`].name, node.account.name);
  },
  'the next page is merged behind the first, without gap or repeat': async () => {
    const list = client.watchQuery({ query: LIST });
    const subscription = list.subscribe(() => {});
    const { opportunities: first } = list.getCurrentResult().data;
    await list.fetchMore({ variables: { after: first.pageInfo.endCursor } });
    const merged = client.readQuery({ query: LIST }).opportunities.edges.map(({ node }) => node.id);
    const { opportunities } = await ask('{ opportunities(first: 6) { nodes { id } } }');
    assert.deepEqual(merged, opportunities.nodes.map((node) => node.id));
    subscription.unsubscribe();
  },
  'a mutation changes the record in the cache': async () => {
    await client.query({ query: DEAL, variables: { id } });
    const { data } = await client.mutate({ mutation: RENAME, variables: { id, name: 'Apollo, renamed' } });
    assert.deepEqual(data.updateOpportunity.userErrors, []);
    assert.equal(client.readQuery({ query: DEAL, variables: { id } }).opportunity.name, 'Apollo, renamed');
  },
  'a rejected mutation says what to mend': async () => {
    const { data } = await client.mutate({ mutation: RENAME, variables: { id, name: ' ' } });
    assert.deepEqual(data.updateOpportunity.userErrors.map(({ code, field }) => ({ code, field })), [{ code: 'VALIDATION_ERROR', field: ['name'] }]);
  },
  'an event over WebSocket changes the record in the cache': async () => {
    const events = client.subscribe({ query: WATCH, variables: { filter: { id: { eq: id } } } });
    const seen = new Promise((resolve, reject) => {
      const subscription = events.subscribe({
        next: ({ data, error }) => {
          subscription.unsubscribe();
          if (error) reject(error);
          else resolve(data.opportunityChanged);
        },
        error: reject,
      });
    });
    const event = await until('event', seen, (turn) => rename(id, `Apollo, told ${turn}`));
    assert.equal(event.type, 'UPDATED');
    assert.deepEqual(event.changedFields, ['name']);
    assert.equal(event.opportunityId, id);
    assert.equal(cached(id).name, event.opportunity.name);
    // An event isn't kept by the deal's id, and its actor is a record of its own type.
    assert.deepEqual(Object.keys(client.cache.extract()).filter((key) => key.endsWith(`:${id}`)), [`Opportunity:${id}`]);
    assert.equal(event.actor.__typename, 'ApiKey');
    assert.equal(client.cache.extract()[`ApiKey:${event.actor.id}`].name, event.actor.name);
  },
  'a persisted query is sent by its hash, then with its text, then by its hash alone': async () => {
    await sends(false, ['POST hash', 'POST text']);
    await sends(false, ['POST hash']);
    await sends(true, ['GET hash']);
  },
});
