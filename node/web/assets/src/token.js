// An access token with the key that it is bound to (DPoP, RFC 9449), as `verbund token --for-explorer` prints them.
// Both stay in memory; the key can't be read again.
const encoder = new TextEncoder();

const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const part = (value) => base64url(encoder.encode(JSON.stringify(value)));
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };

export async function readToken(text, url) {
  const { token, key, nonce } = JSON.parse(text);
  const { kty, crv, x, y, d } = key;
  const signer = await crypto.subtle.importKey('jwk', { kty, crv, x, y, d }, ALGORITHM, false, ['sign']);
  const ath = base64url(await crypto.subtle.digest('SHA-256', encoder.encode(token)));
  const header = part({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } });
  return {
    nonce,
    async headers() {
      const jti = base64url(crypto.getRandomValues(new Uint8Array(16)));
      const iat = Math.floor(Date.now() / 1000);
      const claims = { jti, htm: 'POST', htu: url, iat, ath, ...(this.nonce ? { nonce: this.nonce } : {}) };
      const signed = `${header}.${part(claims)}`;
      const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, signer, encoder.encode(signed));
      return { Authorization: `DPoP ${token}`, DPoP: `${signed}.${base64url(signature)}` };
    },
  };
}
