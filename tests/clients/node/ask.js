// Runs one client against a server: node ask.js CLIENT INTERPRETER-URL; prints what it got as JSON.
'use strict'
const [client, endpoint] = process.argv.slice(2)
const STREETS = 'way[highway](47.0995,9.4995,47.1125,9.5125);(._;>;);out body;'

const clients = {
  'query-overpass': async () => {
    const ask = require('query-overpass')
    const run = query => new Promise(resolve =>
      ask(query, (error, geojson) => resolve(error || geojson.features.length), { overpassUrl: endpoint }))
    return [await run('[out:json];' + STREETS), await run(STREETS), await run('foo;')]
  },

  '@derhuerst/query-overpass': async () => {
    const ask = require('@derhuerst/query-overpass')
    const rejected = await ask('[out:json];foo;', { endpoint, retryOpts: { retries: 0 } }).catch(error => error)
    return [(await ask('[out:json];' + STREETS, { endpoint })).length, rejected.statusCode]
  },

  'overpass-ts': async () => {
    const { overpassJson, overpassXml, overpassCsv, apiStatus } = require('overpass-ts')
    const errors = async query => {
      try { await overpassXml(query, { endpoint }) } catch (error) { return error.errors }
    }
    return [
      (await overpassJson('[out:json];' + STREETS, { endpoint })).elements.length,
      (await overpassXml('node(1);out;', { endpoint })).slice(-7),
      await overpassCsv('[out:csv(::id)];node(1);out;', { endpoint }),
      (await apiStatus(endpoint)).rateLimit,
      await errors('foo;'),
      await errors('[maxsize:1];nwr(47,9,48,10);out;')
    ]
  },

  'osmtogeojson': async () => {
    const osmtogeojson = require('osmtogeojson')
    const query = '[out:json];nwr(47,9,48,10)[~"."~"."];out geom;'
    const answer = await (await fetch(endpoint, { method: 'POST', body: new URLSearchParams({ data: query }) })).json()
    return osmtogeojson(answer).features.length
  },

  'overpass-frontend': async () => {
    const OverpassFrontend = require('overpass-frontend')
    const server = new OverpassFrontend(endpoint, {})
    const found = []
    const box = { minlat: 47.0995, minlon: 9.4995, maxlat: 47.1125, maxlon: 9.5125 }
    const all = { properties: OverpassFrontend.ALL }
    const take = (error, object) => { found.push(error ? String(error) : object.id) }
    await new Promise(resolve => server.BBoxQuery('node[amenity=cafe]', box, all, take, resolve))
    await new Promise(resolve => server.get(['w1', 'r1'], all, take, resolve))
    return found.sort()
  }
}

clients[client]().then(result => console.log(JSON.stringify(result)))
