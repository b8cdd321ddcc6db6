// Makes the file that Chromium plays as its camera: motion JPEG, 30 frames a second, each frame
// numbered as picture.mjs describes. A frame is made of flat 16 × 16 cells, so that its JPEG needs
// no more than one coefficient a block: 900 frames are about 4 MB and made in under a second.

import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BITS, BLACK, HEIGHT, WHITE, WIDTH, isWhite } from './picture.mjs';

const CELL = 16;
const COLUMNS = WIDTH / CELL;
const ROWS = HEIGHT / CELL;

/** Frames in the file; the counter starts anew after them. 30 s at 30 frames a second. */
export const MODULUS = 900;

/** Writes the numbered camera file unless it is there, and returns its path. */
export function cameraFile(path) {
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const frames = [];
  for (let number = 0; number < MODULUS; number += 1) frames.push(jpeg(cellsOf(number)));
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, Buffer.concat(frames));
  renameSync(unfinished, path);
  return path;
}

/** A mono 16-bit WAV file with one tone: what Chromium plays as its microphone. */
export function toneFile(path, hertz, seconds = 4, rate = 48_000) {
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const samples = rate * seconds;
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; i += 1) {
    wav.writeInt16LE(Math.round(9_000 * Math.sin((2 * Math.PI * hertz * i) / rate)), 44 + i * 2);
  }
  writeFileSync(path, wav);
  return path;
}

/** One YCbCr triple a cell. A coloured bar runs along the bottom, so that a person sees motion. */
function cellsOf(number) {
  const cells = [];
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < COLUMNS; column += 1) {
      cells.push(cellAt(number, row, column));
    }
  }
  return cells;
}

function cellAt(number, row, column) {
  const block = Math.floor((column - 4) / 2);
  const line = Math.floor((row - 4) / 4);
  if (block >= 0 && block < BITS && line >= 0 && line < 3) {
    return [isWhite(number, line, block) ? WHITE : BLACK, 128, 128];
  }
  if (row >= 22 && row < 26) {
    const bar = Math.floor(number / 3) % COLUMNS;
    return column === bar ? [200, 90, 160] : [70, 140, 118];
  }
  return [96, 134, 122];
}

// --- a JPEG writer for flat cells: ITU T.81 baseline, 4:2:0, DC coefficients only

// A quantiser of 8 makes the DC coefficient of a flat block its value minus 128.
const QUANTISER = 8;
// Annex K.3 DC tables: number of codes of each length, then the categories in code order.
const DC_LENGTHS = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_VALUES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
// The AC table must name what decoders expect to find; only "end of block" is used: two codes.
const AC_LENGTHS = [0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const AC_VALUES = [0x00, 0xf0];
const END_OF_BLOCK = { code: 0b00, length: 2 };

const DC_CODES = codesOf(DC_LENGTHS, DC_VALUES);
const HEADER = header();

function jpeg(cells) {
  const bits = new BitWriter();
  const last = [0, 0, 0];
  const put = (component, value) => {
    const level = value - 128;
    const difference = level - last[component];
    last[component] = level;
    const category = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1;
    const { code, length } = DC_CODES[category];
    bits.put(code, length);
    if (category > 0) {
      bits.put(difference > 0 ? difference : difference + (1 << category) - 1, category);
    }
    bits.put(END_OF_BLOCK.code, END_OF_BLOCK.length);
  };
  for (const [y, cb, cr] of cells) {
    for (let i = 0; i < 4; i += 1) put(0, y);
    put(1, cb);
    put(2, cr);
  }
  return Buffer.concat([HEADER, bits.finish(), Buffer.from([0xff, 0xd9])]);
}

function codesOf(lengths, values) {
  const codes = {};
  let code = 0;
  let next = 0;
  lengths.forEach((count, index) => {
    for (let i = 0; i < count; i += 1) {
      codes[values[next]] = { code, length: index + 1 };
      code += 1;
      next += 1;
    }
    code <<= 1;
  });
  return codes;
}

function header() {
  const segment = (marker, bytes) =>
    Buffer.from([0xff, marker, (bytes.length + 2) >> 8, (bytes.length + 2) & 255, ...bytes]);
  const jfif = [...Buffer.from('JFIF\0'), 1, 1, 0, 0, 1, 0, 1, 0, 0];
  const frame = [8, HEIGHT >> 8, HEIGHT & 255, WIDTH >> 8, WIDTH & 255, 3];
  frame.push(1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, jfif),
    segment(0xdb, [0, ...new Array(64).fill(QUANTISER)]),
    segment(0xc0, frame),
    segment(0xc4, [0x00, ...DC_LENGTHS, ...DC_VALUES]),
    segment(0xc4, [0x10, ...AC_LENGTHS, ...AC_VALUES]),
    segment(0xda, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0]),
  ]);
}

class BitWriter {
  #bytes = [];
  #buffer = 0;
  #filled = 0;

  put(value, length) {
    this.#buffer = (this.#buffer << length) | value;
    this.#filled += length;
    while (this.#filled >= 8) {
      const byte = (this.#buffer >> (this.#filled - 8)) & 255;
      this.#bytes.push(byte);
      if (byte === 0xff) this.#bytes.push(0); // T.81 B.1.1.5: a stuffed zero after 0xFF
      this.#filled -= 8;
      this.#buffer &= (1 << this.#filled) - 1;
    }
  }

  finish() {
    if (this.#filled > 0) this.put((1 << (8 - this.#filled)) - 1, 8 - this.#filled);
    return Buffer.from(this.#bytes);
  }
}
