// The city's identity provider, played by oidc-provider. It knows one client, the node, and signs everybody in as Ada
// Lovelace, or as the account that the header `account` names. ID tokens have a claim `roles`.
// Standard input: { port, client_id, redirect_uris, jwks_uri, roles: { account: [role] } }, or { port, path, keycloak, told, roles }
// with a client as Keycloak imports it. It tells when it is ready, and ends with its input.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'
import * as keycloak from './keycloak.mjs'

const lines = createInterface({ input: process.stdin })
const job = JSON.parse((await lines[Symbol.asyncIterator]().next()).value)
const path = job.path ?? ''
const issuer = `http://127.0.0.1:${job.port}${path}`

function key(kid) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' }
}

const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const client = job.keycloak
  ? keycloak.clientOf(job.keycloak)
  : {
      client_id: job.client_id,
      redirect_uris: job.redirect_uris,
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      id_token_signed_response_alg: 'ES256',
      jwks_uri: job.jwks_uri,
    }

function claimsOf(sub, roles) {
  return job.keycloak ? keycloak.claimsOf(sub, client.client_id, roles) : { sub, roles }
}

const provider = new Provider(issuer, {
  ...(job.keycloak ? { routes: keycloak.routes } : {}),
  clients: [client],
  jwks: { keys: [key('es-1'), { ...rsa.export({ format: 'jwk' }), kid: 'rs-1', use: 'sig', alg: 'RS256' }] },
  cookies: { keys: ['of no use to anybody'] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  interactions: { url: (_context, interaction) => `${path}/sign-in/${interaction.uid}` },
  claims: { openid: job.keycloak ? keycloak.CLAIMS : ['sub', 'roles'] },
  conformIdTokenClaims: false,
  findAccount: (_context, id) => ({ accountId: id, claims: () => claimsOf(id, job.roles[id] ?? []) }),
  loadExistingGrant: async (context) => {
    const grant = new context.oidc.provider.Grant({
      clientId: context.oidc.client.clientId,
      accountId: context.oidc.session.accountId,
    })
    grant.addOIDCScope('openid')
    await grant.save()
    return grant
  },
  fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
})

// so that a test can see what the node was told
if (job.told) provider.on('grant.success', (context) => writeFileSync(job.told, context.body.id_token))

const callback = provider.callback()
createServer((request, response) => {
  request.originalUrl = request.url
  if (!request.url.startsWith(path)) return response.writeHead(404).end()
  request.url = request.url.slice(path.length)
  if (!request.url.startsWith('/sign-in/')) return callback(request, response)
  return provider.interactionFinished(request, response, { login: { accountId: request.headers.account ?? 'ada-lovelace' } })
}).listen(job.port, '127.0.0.1', () => console.log('ready'))
lines.on('close', () => process.exit(0))
