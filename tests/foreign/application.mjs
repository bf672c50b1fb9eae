// An application with nothing but the address of an API: oauth4webapi finds out the rest from what is published.
// Standard input: what to do. Standard output: what came of it.
import * as oauth from 'oauth4webapi'
import { readFileSync } from 'node:fs'

const job = JSON.parse(readFileSync(0, 'utf8'))
const seen = []
const options = {
  [oauth.allowInsecureRequests]: true, // this machine only
  [oauth.customFetch]: (url, init) => {
    seen.push({ url: String(url), headers: new Headers(init.headers) })
    return fetch(url, init)
  },
}

const api = new URL(job.api)
const resource = await oauth.processResourceDiscoveryResponse(api, await oauth.resourceDiscoveryRequest(api, options))
const issuer = new URL(resource.authorization_servers[0])
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }),
)
const client = { client_id: job.client_id }
const key = await crypto.subtle.importKey('jwk', job.key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const authentication = oauth.PrivateKeyJwt({ key, kid: job.key.kid })
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))

async function withNonce(request) {
  try {
    return await request()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return await request()
  }
}

async function clientCredentials() {
  const parameters = new URLSearchParams({ scope: job.scope, purpose: job.purpose, resource: resource.resource })
  return await withNonce(async () =>
    oauth.processClientCredentialsResponse(
      server,
      client,
      await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, { DPoP, ...options }),
    ),
  )
}

async function pushed(asked) {
  const answer = await oauth.pushedAuthorizationRequest(server, client, authentication, asked, options)
  return (await oauth.processPushedAuthorizationResponse(server, client, answer)).request_uri
}

// A browser: it keeps cookies by host and follows redirects, until it is sent to the application.
async function browse(url, home) {
  const cookies = new Map()
  for (let hop = 0; hop < 20; hop += 1) {
    if (url.href.startsWith(home)) return url
    const jar = cookies.get(url.host) ?? new Map()
    cookies.set(url.host, jar)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await fetch(url, { redirect: 'manual', headers: cookie ? { cookie } : {} })
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(';')[0].split(/=(.*)/s)
      jar.set(name, value)
    }
    if (!answer.headers.has('location')) throw new Error(`${answer.status} at ${url}: ${await answer.text()}`)
    url = new URL(answer.headers.get('location'), url)
  }
  throw new Error('redirected for ever')
}

async function authorizationCode() {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const asked = new URLSearchParams({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: job.redirect_uri,
    scope: job.scope,
    purpose: job.purpose,
    resource: resource.resource,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    dpop_jkt: await DPoP.calculateThumbprint(),
  })
  const url = new URL(server.authorization_endpoint)
  url.search = job.push ? new URLSearchParams({ client_id: client.client_id, request_uri: await pushed(asked) }) : asked
  const back = oauth.validateAuthResponse(server, client, await browse(url, job.redirect_uri), state)
  const request = () =>
    oauth.authorizationCodeGrantRequest(server, client, authentication, back, job.redirect_uri, verifier, {
      DPoP,
      ...options,
    })
  const tokens = await withNonce(async () => oauth.processAuthorizationCodeResponse(server, client, await request()))
  return { ...tokens, useAgain: async () => (await (await request()).json()).error }
}

async function ask(token) {
  const headers = new Headers({ 'content-type': 'application/json' })
  const body = JSON.stringify({ query: job.query })
  const answer = await withNonce(() =>
    oauth.protectedResourceRequest(token, 'POST', api, headers, body, { DPoP, ...options }),
  )
  return { status: answer.status, body: await answer.json() }
}

// The library's own check of a resource server: RFC 9068 and RFC 9449, strictly.
async function validated() {
  const last = seen.at(-1)
  const request = new Request(api, { method: 'POST', headers: last.headers })
  return await oauth.validateJwtAccessToken(server, request, resource.resource, { requireDPoP: true, ...options })
}

const tokens = job.redirect_uri ? await authorizationCode() : await clientCredentials()
const answer = await ask(tokens.access_token)
const claims = await validated()
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, authentication, tokens.access_token, options),
)
const told = await oauth.processIntrospectionResponse(
  server,
  client,
  await oauth.introspectionRequest(server, client, authentication, tokens.access_token, options),
)
const secondUse = await tokens.useAgain?.()
const refused = await ask(tokens.access_token).catch((error) => ({ challenges: error.cause }))
console.log(
  JSON.stringify({
    token_type: tokens.token_type,
    expires_in: tokens.expires_in,
    second_use: secondUse,
    answer,
    claims,
    introspected: told.active,
    refused,
    requests: seen.map((request) => new URL(request.url).pathname),
  }),
)
