// The style sheets: sides by the direction of reading, and colours in one file only.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/paths.mjs';
import { expect } from '../lib/scenario.mjs';

const SHEETS = join(ROOT, 'website/pages/assets/css');

/** Every declaration of every sheet, with the sheet's name and its line. */
function declarations() {
  return readdirSync(SHEETS).flatMap((sheet) => {
    const text = readFileSync(join(SHEETS, sheet), 'utf8').replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '));
    return [...text.matchAll(/([a-z-]+)\s*:\s*([^;{}]+)(?=[;}])/g)].map(({ 1: property, 2: value, index }) => ({
      property,
      value: value.trim(),
      place: `${sheet}:${text.slice(0, index).split('\n').length}`,
    }));
  });
}

/** Whether a declaration means the left or the right whatever the direction of reading. */
function isOneSided({ property, value }) {
  if (/(^|-)(left|right)(-|$)/.test(property)) return true;
  if (/^(text-align|float|clear)$/.test(property)) return /left|right/.test(value);
  // A notch is on the left or the right of the telephone, whatever is written on it.
  if (value.includes('safe-area-inset')) return false;
  if (!/^(inset|margin|padding|border-width|scroll-margin|scroll-padding)$/.test(property)) return false;
  const [, right, , left] = parts(value);
  return left !== undefined && left !== right;
}

/** The parts of a value; brackets hold together. */
const parts = (value) => value.match(/(?:[^\s(]+\([^()]*(?:\([^()]*\)[^()]*)*\)|[^\s(])+/g) ?? [];

export default [
  {
    name: 'styles: sides follow the direction of reading',
    run: async (scenario) => {
      const all = declarations();
      scenario.fact('declarations', all.length);
      expect(all.length > 500, `only ${all.length} declarations were found`);
      const wrong = all.filter(isOneSided);
      expect(wrong.length === 0, wrong.map(({ place, property, value }) => `${place}: ${property}: ${value}`).join('\n'));
    },
  },
  {
    name: 'styles: colours stand in tokens.css only',
    run: async () => {
      const raw = declarations().filter(({ place, value }) => !place.startsWith('tokens.css') && /#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch)a?\(/i.test(value));
      expect(raw.length === 0, raw.map(({ place, property, value }) => `${place}: ${property}: ${value}`).join('\n'));
    },
  },
];
