/** How figures, times and names are written. Everything by `Intl` in the language in use. */

import { language } from './i18n.js';

/**
 * A PIN in threes: `482915` becomes `482 915`; seven digits are `482 9156`, eight `4829 1567`.
 * @param {string} pin
 */
export function pinInGroups(pin) {
  const digits = pin.replace(/\D/g, '').slice(0, 9);
  if (digits.length <= 3) return digits;
  if (digits.length <= 6) return `${digits.slice(0, 3)} ${digits.slice(3)}`;
  if (digits.length === 7) return `${digits.slice(0, 3)} ${digits.slice(3)}`;
  if (digits.length === 8) return `${digits.slice(0, 4)} ${digits.slice(4)}`;
  return `${digits.slice(0, 3)} ${digits.slice(3, 6)} ${digits.slice(6)}`;
}

/**
 * A running time: `4:12`, `1:02:09`.
 * @param {number} ms
 */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** @param {string | number | Date} at */
export function timeOfDay(at) {
  return new Intl.DateTimeFormat(language(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(at));
}

/** @param {string | number | Date} at */
export function timeWithSeconds(at) {
  const style = /** @type {const} */ ({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  return new Intl.DateTimeFormat(language(), style).format(new Date(at));
}

/** @param {string | number | Date} at */
export function day(at) {
  return new Intl.DateTimeFormat(language(), { dateStyle: 'long' }).format(new Date(at));
}

/** @param {string | number | Date} at */
export function shortDay(at) {
  return new Intl.DateTimeFormat(language(), { day: 'numeric', month: 'short' }).format(new Date(at));
}

/**
 * @param {number} value
 * @param {number} [digits] after the point
 */
export function figure(value, digits = 0) {
  const style = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language(), style).format(value);
}

/**
 * `Anna, Ben and Chiara`.
 * @param {string[]} names
 */
export function listOf(names) {
  return new Intl.ListFormat(language(), { type: 'conjunction' }).format(names);
}

/**
 * At most two letters for an avatar.
 * @param {string} name
 */
export function initials(name) {
  const parts = name.trim().split(/\s+/).filter(Boolean);
  if (parts.length === 0) return '?';
  const first = [...parts[0]][0] ?? '';
  const last = parts.length > 1 ? ([...parts[parts.length - 1]][0] ?? '') : '';
  return (first + last).toLocaleUpperCase(language());
}

/** @param {string} name */
export const firstName = (name) => name.trim().split(/\s+/)[0] ?? name;
