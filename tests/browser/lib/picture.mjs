// The counted picture: where its blocks lie. One description for the generator of the camera file
// (camera.mjs), the canvas sender (harness page) and the reader (counter.mjs).
//
// A frame of 640 × 480 carries three rows of sixteen blocks, each 32 × 64 pixels:
//   row 0  white, black, white, black …   tells that this is our picture, and gives the threshold
//   row 1  the frame's number, highest bit first, white is 1
//   row 2  the complement of row 1, so that a damaged frame is unreadable, never misread
// Positions are shares of the frame, so that a scaled picture reads the same.

export const WIDTH = 640;
export const HEIGHT = 480;
export const BITS = 16;
export const LAYOUT = { left: 64 / WIDTH, top: 64 / HEIGHT, block: 32 / WIDTH, row: 64 / HEIGHT };

// White and black keep away from the ends of the range: codecs clip there.
export const WHITE = 225;
export const BLACK = 30;

/** Whether the block in `row` and `column` is white in the frame with this number. */
export function isWhite(number, row, column) {
  if (row === 0) return column % 2 === 0;
  const bit = (number >> (BITS - 1 - column)) & 1;
  return row === 1 ? bit === 1 : bit === 0;
}
