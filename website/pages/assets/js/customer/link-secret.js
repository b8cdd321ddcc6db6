/**
 * The secret S in a session link's fragment: 16 random bytes as base64url. Two halves are derived
 * from it by HKDF-SHA-256 and sent; S itself never leaves the page.
 */

/** @typedef {{ lookup: string, auth: string }} LinkProof */

/**
 * The secret of this page's address, if it is a session link.
 * @param {Location} address
 */
export function secretIn(address) {
  const text = address.hash.slice(1);
  return /^[A-Za-z0-9_-]{22}$/.test(text) ? text : null;
}

/**
 * @param {string} secret
 * @returns {Promise<LinkProof>}
 */
export async function proofOf(secret) {
  const base = await crypto.subtle.importKey('raw', bytesOf(secret), 'HKDF', false, ['deriveBits']);
  return { lookup: await derive(base, 'lens/lookup/v1', 16), auth: await derive(base, 'lens/auth/v1', 32) };
}

/**
 * @param {CryptoKey} base
 * @param {string} info
 * @param {number} length in bytes
 */
async function derive(base, info, length) {
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: new TextEncoder().encode(info) };
  return base64url(new Uint8Array(await crypto.subtle.deriveBits(how, base, length * 8)));
}

/** @param {string} text */
function bytesOf(text) {
  const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}
