// The counted picture as VP8: makes the clip that native cameras send, and reads the counters of what
// native viewers wrote down, after decoding by libvpx's own program.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BITS, BLACK, LAYOUT, WHITE, isWhite } from '../../browser/lib/picture.mjs';

const WIDTH = 320;
const HEIGHT = 240;
const FRAMES_PER_SECOND = 30;
/** A native camera cannot make a keyframe when one is wanted: it goes on to the clip's next. */
const KEYFRAME_EVERY = 15;

/** Frames in the clip; the counter starts anew after them. */
export const CLIP_MODULUS = 600;

/** Makes the clip unless it is there; returns its path. */
export function clipFile(path) {
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const raw = `${path}.${process.pid}.y4m`;
  const coded = `${path}.${process.pid}`;
  const file = openSync(raw, 'w');
  writeSync(file, `YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FRAMES_PER_SECOND}:1 Ip C420jpeg\n`);
  for (let number = 0; number < CLIP_MODULUS; number += 1) {
    writeSync(file, 'FRAME\n');
    writeSync(file, picture(number));
  }
  closeSync(file);
  execFileSync('vpxenc', [
    '--codec=vp8', '--ivf', '--rt', '--passes=1', '--lag-in-frames=0', '--cpu-used=8', '--end-usage=cbr',
    '--target-bitrate=400', `--kf-min-dist=${KEYFRAME_EVERY}`, `--kf-max-dist=${KEYFRAME_EVERY}`,
    '--drop-frame=0', '--quiet', '-o', coded, raw,
  ]);
  rmSync(raw);
  renameSync(coded, path);
  return path;
}

function picture(number) {
  const luma = Buffer.alloc(WIDTH * HEIGHT, 96);
  for (let row = 0; row < 3; row += 1) {
    for (let column = 0; column < BITS; column += 1) {
      const level = isWhite(number, row, column) ? WHITE : BLACK;
      const left = Math.round((LAYOUT.left + column * LAYOUT.block) * WIDTH);
      const top = Math.round((LAYOUT.top + row * LAYOUT.row) * HEIGHT);
      const right = left + Math.round(LAYOUT.block * WIDTH);
      for (let y = top; y < top + Math.round(LAYOUT.row * HEIGHT); y += 1) {
        luma.fill(level, y * WIDTH + left, y * WIDTH + right);
      }
    }
  }
  return Buffer.concat([luma, Buffer.alloc((WIDTH * HEIGHT) / 2, 128)]);
}

/**
 * The pictures of an IVF file, frame by frame: the counter, null where it shows none, and what tells
 * its bytes from another frame's.
 */
export function picturesOf(ivf) {
  const directory = mkdtempSync(join(tmpdir(), 'lens-clip-'));
  try {
    const decoded = join(directory, 'decoded.y4m');
    const sized = join(directory, 'sized.ivf');
    const file = withSize(readFileSync(ivf));
    writeFileSync(sized, file);
    const run = spawnSync('vpxdec', ['--codec=vp8', '--scale', '-o', decoded, sized], { encoding: 'utf8' });
    if (!existsSync(decoded)) throw new Error(`vpxdec: ${run.stderr.trim()}`);
    const numbers = [...framesOf(readFileSync(decoded))].map(({ luma, width, height }) =>
      counterIn(luma, width, height),
    );
    const bytes = digestsOf(file);
    // A frame that the decoder gave nothing for leaves it open whose bytes are whose.
    const known = bytes.length === numbers.length;
    return numbers.map((number, at) => ({ number, bytes: known ? bytes[at] : null }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Puts the size of the first frame, a keyframe (RFC 6386 §9.1), into the file's head: whoever wrote it
 * may not have known it there. */
function withSize(ivf) {
  const first = 32 + 12;
  if (ivf.length < first + 10) throw new Error('nothing was written down');
  ivf.writeUInt16LE(ivf.readUInt16LE(first + 6) & 0x3fff, 12);
  ivf.writeUInt16LE(ivf.readUInt16LE(first + 8) & 0x3fff, 14);
  return ivf;
}

function digestsOf(ivf) {
  const digests = [];
  for (let at = 32; at + 12 <= ivf.length; ) {
    const end = at + 12 + ivf.readUInt32LE(at);
    if (end > ivf.length) break;
    digests.push(createHash('sha256').update(ivf.subarray(at + 12, end)).digest('hex'));
    at = end;
  }
  return digests;
}

function* framesOf(y4m) {
  const head = y4m.subarray(0, y4m.indexOf(10)).toString();
  const size = (letter) => Number(head.match(new RegExp(` ${letter}(\\d+)`))?.[1]);
  const [width, height] = [size('W'), size('H')];
  const chroma = 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
  if (!width || !height) throw new Error(`no size in ${head}`);
  let at = head.length + 1;
  while (at < y4m.length) {
    at = y4m.indexOf(10, at) + 1;
    if (at === 0) return;
    const luma = y4m.subarray(at, at + width * height);
    if (luma.length < width * height) return;
    yield { luma, width, height };
    at += width * height + chroma;
  }
}

function counterIn(luma, width, height) {
  const level = (row, column) => {
    const across = LAYOUT.block * width;
    const down = LAYOUT.row * height;
    const left = LAYOUT.left * width + column * across;
    const top = LAYOUT.top * height + row * down;
    let [sum, count] = [0, 0];
    // The middle of the block only: edges are blurred by the codec.
    for (let y = Math.floor(top + down / 4); y < top + (down * 3) / 4; y += 1) {
      for (let x = Math.floor(left + across / 4); x < left + (across * 3) / 4; x += 1) {
        sum += luma[y * width + x];
        count += 1;
      }
    }
    return sum / count;
  };
  const columns = Array.from({ length: BITS }, (_, column) => column);
  const white = Math.min(...columns.filter((it) => it % 2 === 0).map((it) => level(0, it)));
  const black = Math.max(...columns.filter((it) => it % 2 === 1).map((it) => level(0, it)));
  if (white - black < 60) return null;
  let number = 0;
  for (const column of columns) {
    const bit = level(1, column) > (white + black) / 2;
    if (bit === level(2, column) > (white + black) / 2) return null;
    number = number * 2 + Number(bit);
  }
  return number;
}
