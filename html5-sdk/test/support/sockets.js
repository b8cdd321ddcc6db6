/** A WebSocket whose other end is the test, and a fetch whose streams are. */

/** Makes a WebSocket class; each connection is put into `sockets` and waits for the test. */
export function fakeSockets() {
  const sockets = [];
  class FakeWebSocket {
    readyState = 0;
    sent = [];
    constructor(url) {
      this.url = String(url);
      sockets.push(this);
    }
    send(text) {
      if (this.readyState !== 1) throw new Error('not open');
      this.sent.push(JSON.parse(text));
    }
    close() {
      this.readyState = 3;
    }
    // --- the test's side
    opens() {
      this.readyState = 1;
      this.onopen?.();
    }
    says(frame) {
      this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify({ v: 1, ...frame }) });
    }
    welcomes({ hub = 'life', resumed = false, received = 0 } = {}) {
      this.says({ kind: 'welcome', seq: 0, hub, resumed, received });
    }
    fails() {
      this.readyState = 3;
      this.onerror?.();
      this.onclose?.({ code: 1006 });
    }
    get counted() {
      return this.sent.filter(({ seq }) => seq > 0);
    }
  }
  return { WebSocket: FakeWebSocket, sockets };
}

/** A fetch of event streams and posts. `streams` and `posts` are the test's side. */
export function fakeFetch({ refuse } = {}) {
  const streams = [];
  const posts = [];
  const fetch = async (url, { method = 'GET', headers, body, signal } = {}) => {
    const refused = refuse?.(method);
    if (refused) return new Response(JSON.stringify(refused.problem), { status: refused.status });
    if (method === 'POST') {
      const frames = JSON.parse(body);
      const post = { url, headers, frames };
      posts.push(post);
      const received = Math.max(0, ...frames.map(({ seq }) => seq));
      return new Response(JSON.stringify({ received }), { status: 200 });
    }
    const stream = { url, headers };
    const readable = new ReadableStream({
      start: (controller) => {
        const encoder = new TextEncoder();
        stream.write = (text) => controller.enqueue(encoder.encode(text));
        stream.says = (frame) => stream.write(`data: ${JSON.stringify({ v: 1, ...frame })}\n\n`);
        stream.ends = () => controller.close();
        signal?.addEventListener('abort', () => {
          stream.aborted = true;
          try {
            controller.error(signal.reason);
          } catch {
            // It had ended already.
          }
        });
      },
    });
    streams.push(stream);
    return new Response(readable, { status: 200 });
  };
  return { fetch, streams, posts };
}
