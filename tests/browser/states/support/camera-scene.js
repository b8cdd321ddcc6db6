// In the page: a picture as a phone would take it, drawn on a canvas, in place of the camera.

(() => {
  /** Drawn again so many milliseconds after the last time: a video needs new frames, not many. */
  const AGAIN_MS = 250;
  const scene = new Image();
  scene.src = '/assets/scene.svg';
  globalThis.lensScene = (width, height) => {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const pen = canvas.getContext('2d');
    pen.fillStyle = '#b8ad98';
    pen.fillRect(0, 0, width, height);
    let drawn = false;
    const draw = () => {
      if (!drawn && scene.complete && scene.naturalWidth > 0) {
        const scale = Math.max(width / scene.naturalWidth, height / scene.naturalHeight);
        const [w, h] = [scene.naturalWidth * scale, scene.naturalHeight * scale];
        pen.drawImage(scene, (width - w) * 0.3, (height - h) / 2, w, h);
        drawn = true;
      }
      // One point changes, so that the stream has a new frame.
      pen.fillRect(0, 0, 1, 1);
      setTimeout(draw, AGAIN_MS);
    };
    draw();
    return canvas.captureStream();
  };
  globalThis.lensVoice = () => new AudioContext().createMediaStreamDestination().stream;
  if (!navigator.mediaDevices) return;
  navigator.mediaDevices.getUserMedia = async ({ video, audio }) => {
    const refused = globalThis.lensCameraError;
    if (refused && video) throw new DOMException('scripted', refused);
    if (audio && globalThis.lensVoiceRefused) throw new DOMException('scripted', 'NotAllowedError');
    const tracks = [];
    if (video) {
      const [track] = globalThis.lensScene(720, 1280).getTracks();
      track.getSettings = () => ({ facingMode: 'environment', deviceId: 'back' });
      tracks.push(track);
    }
    if (audio) tracks.push(...globalThis.lensVoice().getTracks());
    globalThis.lensCamera = tracks;
    return new MediaStream(tracks);
  };
  navigator.mediaDevices.enumerateDevices = async () => [
    { kind: 'videoinput', deviceId: 'back' },
    { kind: 'videoinput', deviceId: 'front' },
  ];
})();
