// The change that every testee's frames pass, and that undoes itself: all but the first bytes, which the
// server reads, are turned over. A worker; tells how many pictures passed, for `transformed`.

const CLEAR = 10;
const MASK = 0x5a;
const passed = { sender: 0, receiver: 0 };

function turn({ readable, writable, options }) {
  const stage = new TransformStream({
    transform(frame, controller) {
      // Voices have no type here.
      if ('type' in frame && frame.type !== undefined && frame.type !== 'empty') {
        const bytes = new Uint8Array(frame.data);
        for (let at = CLEAR; at < bytes.length; at += 1) bytes[at] ^= MASK;
        frame.data = bytes.buffer;
        passed[options.side] += 1;
      }
      controller.enqueue(frame);
    },
  });
  readable.pipeThrough(stage).pipeTo(writable).catch(() => {});
}

globalThis.onrtctransform = ({ transformer }) => turn(transformer);
globalThis.onmessage = ({ data }) => {
  if (data.type === 'rtctransform') turn(data);
  else globalThis.postMessage(passed);
};
