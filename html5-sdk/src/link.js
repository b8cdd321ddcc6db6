// @ts-check
/**
 * The session link: `…/s#S`, where S is 128 random bits in base64url. The browser never sends a
 * fragment; the page derives from S what it may send (HKDF-SHA-256, RFC 5869, no salt) and keeps S
 * to itself. The server derives the same (`auth/src/link.rs`); both are tested with one set of
 * vectors (`auth/vectors/link.json`).
 */

// The last of 22 characters carries 2 bits: only these four are what an encoder writes.
const SECRET = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/**
 * The secret S of a session link.
 * @param {string | URL | Location} link the link, or a fragment with or without `#`
 * @returns {string | null} null when the link carries none
 */
export function readSessionLink(link) {
  const text = String(link);
  const secret = text.slice(text.indexOf('#') + 1);
  return SECRET.test(secret) ? secret : null;
}

/**
 * What the page may send of a link: `lookup` names the invitation, `auth` proves holding it.
 * @param {string} secret S, as `readSessionLink` gives it
 * @returns {Promise<{ lookup: string, auth: string }>} base64url without padding
 * @throws {TypeError} when `secret` is no S, or the page is not in a secure context
 */
export async function deriveLinkSecrets(secret) {
  if (!SECRET.test(secret)) throw new TypeError('not the secret of a session link');
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) throw new TypeError('a session link needs a page served over HTTPS');
  const key = await subtle.importKey('raw', decode(secret), 'HKDF', false, ['deriveBits']);
  const [lookup, auth] = await Promise.all([
    expand(subtle, key, 'lens/lookup/v1', 16),
    expand(subtle, key, 'lens/auth/v1', 32),
  ]);
  return { lookup, auth };
}

/**
 * @param {SubtleCrypto} subtle
 * @param {CryptoKey} key
 * @param {string} info
 * @param {number} bytes
 */
async function expand(subtle, key, info, bytes) {
  const algorithm = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(),
    info: new TextEncoder().encode(info),
  };
  return encode(new Uint8Array(await subtle.deriveBits(algorithm, key, bytes * 8)));
}

/** @param {string} text */
function decode(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** @param {Uint8Array} bytes */
function encode(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
