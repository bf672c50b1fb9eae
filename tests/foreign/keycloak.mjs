// Keycloak's forms: what its import of clients, discovery, key set and tokens look like, for a provider that is not Keycloak.

// The client that Keycloak makes of an imported representation. What is not known here is refused, so that no documented
// setting goes untested.
export function clientOf(representation) {
  const { attributes, ...settings } = representation
  const taken = { ...settings }
  const setting = (name) => {
    const value = taken[name]
    delete taken[name]
    return value
  }
  const attribute = (name) => {
    const value = attributes[name]
    delete attributes[name]
    return value
  }
  must(setting('protocol') === 'openid-connect', 'protocol')
  must(setting('publicClient') === false, 'publicClient')
  must(setting('standardFlowEnabled') === true, 'standardFlowEnabled')
  for (const flow of ['implicitFlowEnabled', 'directAccessGrantsEnabled', 'serviceAccountsEnabled']) must(setting(flow) === false, flow)
  must(setting('clientAuthenticatorType') === 'client-jwt', 'clientAuthenticatorType')
  must(setting('defaultClientScopes').includes('basic'), 'basic, without which there is no sub')
  must(setting('optionalClientScopes').length === 0, 'optionalClientScopes')
  must(attribute('use.jwks.url') === 'true', 'use.jwks.url')
  must(attribute('pkce.code.challenge.method') === 'S256', 'pkce.code.challenge.method')
  const client = {
    client_id: setting('clientId'),
    redirect_uris: setting('redirectUris'),
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: attribute('token.endpoint.auth.signing.alg'),
    id_token_signed_response_alg: attribute('id.token.signed.response.alg'),
    jwks_uri: attribute('jwks.url'),
  }
  const left = [...Object.keys(taken), ...Object.keys(attributes)]
  must(left.length === 0, left.join(', '))
  return client
}

export const routes = {
  authorization: '/protocol/openid-connect/auth',
  token: '/protocol/openid-connect/token',
  jwks: '/protocol/openid-connect/certs',
  userinfo: '/protocol/openid-connect/userinfo',
  introspection: '/protocol/openid-connect/token/introspect',
  revocation: '/protocol/openid-connect/revoke',
  end_session: '/protocol/openid-connect/logout',
}

// What Keycloak says of somebody in the realm: roles of the realm and of clients in its own form, put into the ID token as well,
// and the client's once more under the name that the documented mapper (User Client Role) gives them.
export function claimsOf(sub, clientId, roles) {
  const ofTheRealm = Array.from({ length: 40 }, (_, number) => `fachverfahren-${number}`)
  return {
    sub,
    typ: 'ID',
    azp: clientId,
    preferred_username: 'ada.lovelace',
    name: 'Ada Lovelace',
    email: 'ada.lovelace@giessen.example',
    email_verified: true,
    realm_access: { roles: ['default-roles-verwaltung', 'offline_access', 'uma_authorization', ...ofTheRealm] },
    resource_access: { account: { roles: ['manage-account', 'view-profile'] }, [clientId]: { roles } },
    roles,
  }
}

export const CLAIMS = Object.keys(claimsOf('', '', []))

function must(holds, what) {
  if (!holds) throw new Error(`not a setting that is tested: ${what}`)
}
