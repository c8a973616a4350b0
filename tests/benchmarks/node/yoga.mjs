// graphql-yoga as its documentation shows it: resolvers, a DataLoader a relation and request. It keeps parsed and validated documents by itself.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

import DataLoader from 'dataloader'
import { createSchema, createYoga } from 'graphql-yoga'

import * as data from './data.mjs'

const schema = createSchema({
  typeDefs: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers: {
    Query: {
      opportunity: (_, { id }) => data.opportunity(id),
      opportunities: (_, page) => data.opportunities(page),
    },
    Opportunity: {
      account: (deal, _, { loaders }) => loaders.account.load(deal.accountId),
      assignedTo: (deal, _, { loaders }) => deal.assignedToId && loaders.user.load(deal.assignedToId),
      contacts: (deal, _, { loaders }) => loaders.contacts.load(deal.id),
    },
  },
})

const loader = (many) => new DataLoader(async (ids) => many(ids))
const context = () => ({ loaders: { account: loader(data.accounts), user: loader(data.users), contacts: loader(data.contacts) } })

createServer(createYoga({ schema, context, graphiql: false, logging: false })).listen(Number(process.env.BENCH_PORT), '127.0.0.1')
