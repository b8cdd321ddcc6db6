// Reads the counted picture (picture.mjs) from a <video> in the far page, after decoding, and turns
// what was read into facts: order, loss, freezes.

import { BITS, LAYOUT } from './picture.mjs';

/** Starts reading a video of the page; frames collect in the page until `readFrames`. */
export async function startCounting(page, selector = 'video') {
  await page.evaluate(watchVideo, selector, BITS, LAYOUT);
}

/**
 * What has been read so far: `{ at, number, width, height }`, oldest first. `at` is in milliseconds
 * since 1970, `number` is null for a frame that shows no valid counter.
 */
export async function readFrames(page) {
  return page.evaluate(() => globalThis.__countedFrames ?? []);
}

/** Waits until `count` more numbered frames than now were read, and returns all. */
export async function waitForFrames(page, count, limitMs = 15_000) {
  const numbered = () =>
    page.evaluate(() => (globalThis.__countedFrames ?? []).filter((f) => f.number !== null).length);
  const start = await numbered();
  await page
    .waitForFunction(
      (wanted) =>
        (globalThis.__countedFrames ?? []).filter((f) => f.number !== null).length >= wanted,
      { polling: 50, timeout: limitMs },
      start + count,
    )
    .catch(async () => {
      const now = await numbered();
      throw new Error(`only ${now - start} of ${count} numbered frames came in ${limitMs} ms`);
    });
  return readFrames(page);
}

/**
 * The facts about frames: `read`, `unreadable`, `backwards` (order broken), `repeated`, `lost` (numbers
 * never seen), `longestFreezeMs` and `gaps` (every pause over 200 ms, with its time).
 * Numbers run modulo `modulus`; a step of half of it or more counts as backwards.
 */
export function facts(frames, modulus) {
  const numbered = frames.filter((frame) => frame.number !== null);
  const result = {
    read: numbered.length,
    unreadable: frames.length - numbered.length,
    backwards: 0,
    repeated: 0,
    lost: 0,
    longestFreezeMs: 0,
    gaps: [],
    framesPerSecond: 0,
    lossShare: 0,
  };
  for (let i = 1; i < numbered.length; i += 1) {
    judge(result, numbered[i - 1], numbered[i], modulus);
  }
  const spanMs = numbered.length > 1 ? numbered.at(-1).at - numbered[0].at : 0;
  result.framesPerSecond = spanMs > 0 ? ((numbered.length - 1) * 1000) / spanMs : 0;
  result.lossShare = result.lost / Math.max(1, result.lost + result.read);
  return result;
}

function judge(result, before, after, modulus) {
  const step = (after.number - before.number + modulus) % modulus;
  if (step === 0) result.repeated += 1;
  else if (step >= modulus / 2) result.backwards += 1;
  else result.lost += step - 1;
  const pauseMs = after.at - before.at;
  result.longestFreezeMs = Math.max(result.longestFreezeMs, pauseMs);
  if (pauseMs > 200) result.gaps.push({ from: before.at, ms: Math.round(pauseMs), step });
}

// Runs in the page.
function watchVideo(selector, bits, layout) {
  globalThis.__countedFrames ??= [];
  globalThis.__countedVideos ??= new WeakSet();
  const width = 160;
  const height = 120;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });

  const lumaOf = (pixels, row, column) => {
    const left = Math.round((layout.left + column * layout.block) * width);
    const top = Math.round((layout.top + row * layout.row) * height);
    const across = Math.round(layout.block * width);
    const down = Math.round(layout.row * height);
    let sum = 0;
    let count = 0;
    // The middle of the block only: edges are blurred by scaling and by the codec.
    for (let y = top + Math.floor(down / 4); y < top + Math.ceil((down * 3) / 4); y += 1) {
      for (let x = left + Math.floor(across / 4); x < left + Math.ceil((across * 3) / 4); x += 1) {
        const at = (y * width + x) * 4;
        sum += 0.299 * pixels[at] + 0.587 * pixels[at + 1] + 0.114 * pixels[at + 2];
        count += 1;
      }
    }
    return sum / count;
  };

  const numberIn = (pixels) => {
    const sync = Array.from({ length: bits }, (_, column) => lumaOf(pixels, 0, column));
    const white = sync.filter((_, i) => i % 2 === 0);
    const black = sync.filter((_, i) => i % 2 === 1);
    if (Math.min(...white) - Math.max(...black) < 60) return null;
    const threshold = (Math.min(...white) + Math.max(...black)) / 2;
    let number = 0;
    for (let column = 0; column < bits; column += 1) {
      const bit = lumaOf(pixels, 1, column) > threshold;
      const complement = lumaOf(pixels, 2, column) > threshold;
      if (bit === complement) return null;
      number = number * 2 + (bit ? 1 : 0);
    }
    return number;
  };

  const watch = (video) => {
    if (globalThis.__countedVideos.has(video)) return;
    globalThis.__countedVideos.add(video);
    const onFrame = (now) => {
      context.drawImage(video, 0, 0, width, height);
      const { data } = context.getImageData(0, 0, width, height);
      globalThis.__countedFrames.push({
        at: performance.timeOrigin + now,
        number: numberIn(data),
        width: video.videoWidth,
        height: video.videoHeight,
      });
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  };

  const find = () => document.querySelectorAll(selector).forEach(watch);
  find();
  new MutationObserver(find).observe(document, { childList: true, subtree: true });
}
