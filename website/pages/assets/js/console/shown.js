/**
 * How large the customer's picture is shown: no larger one has to come than that needs. A page that
 * nobody looks at shows none, and gets the smallest there is.
 */

export class Shown {
  /** @type {HTMLVideoElement | null} */
  #video = null;
  #tell;
  #observer = new ResizeObserver(() => this.#measure());
  #measure = () => this.#tell(this.#video ? sizeOf(this.#video) : { height: 0 });

  /** @param {(size: { height: number } | null) => void} tell */
  constructor(tell) {
    this.#tell = tell;
  }

  /** @param {HTMLVideoElement} video */
  begin(video) {
    this.end();
    this.#video = video;
    this.#observer.observe(video);
    video.addEventListener('resize', this.#measure);
    document.addEventListener('visibilitychange', this.#measure);
    this.#measure();
  }

  /** The picture is gone from the page. */
  end() {
    if (!this.#video) return;
    this.#observer.disconnect();
    this.#video.removeEventListener('resize', this.#measure);
    document.removeEventListener('visibilitychange', this.#measure);
    this.#video = null;
    this.#measure();
  }
}

/**
 * The picture is never cropped: its own shape decides how much of the element it fills.
 * @param {HTMLVideoElement} video
 */
function sizeOf(video) {
  // Its own window tells no size.
  if (document.pictureInPictureElement === video) return null;
  if (document.visibilityState === 'hidden') return { height: 0 };
  const { clientWidth, clientHeight, videoWidth, videoHeight } = video;
  const byWidth = videoWidth > 0 ? (clientWidth * videoHeight) / videoWidth : clientHeight;
  return { height: Math.min(clientHeight, byWidth) * devicePixelRatio };
}
