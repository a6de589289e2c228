// Runs before a page's own scripts. `window.__code` {width, height, fps, tag}: the camera's picture is a time code in
// bars, in place of what the camera sees; the sound stays the camera's. `window.__readCodes(tag)` reads the codes of
// that tag from whatever <video> shows them.
(() => {
  const BITS = 24; // milliseconds modulo 2^24 (4.6 hours), Gray-coded, so that a bar read while it turns is off by one
  const TAG = 3;
  const BARS = 2 + BITS + TAG + 1; // white and black before, and a bar of parity behind
  const now = () => Math.round(performance.timeOrigin + performance.now()) % 2 ** BITS;
  const bits = (value, count) => Array.from({ length: count }, (_, place) => (value >> (count - 1 - place)) & 1);

  const draw = (pen, { width, height, tag }) => {
    const time = now();
    const code = [...bits(time ^ (time >> 1), BITS), ...bits(tag, TAG)];
    const bars = [1, 0, ...code, code.reduce((sum, bit) => sum ^ bit, 0)];
    bars.forEach((bit, place) => {
      pen.fillStyle = bit ? "#fff" : "#000";
      pen.fillRect(Math.round((place * width) / BARS), 0, Math.ceil(width / BARS) + 1, height);
    });
  };

  const source = window.__code;
  if (source && navigator.mediaDevices) {
    const camera = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const stream = await camera(wanted);
      if (!wanted || !wanted.video) return stream;
      const canvas = Object.assign(document.createElement("canvas"), { width: source.width, height: source.height });
      const pen = canvas.getContext("2d");
      setInterval(() => draw(pen, source), 1000 / source.fps);
      stream.getVideoTracks().forEach((track) => {
        stream.removeTrack(track);
        track.stop();
      });
      stream.addTrack(canvas.captureStream(source.fps).getVideoTracks()[0]);
      return stream;
    };
  }

  const small = Object.assign(document.createElement("canvas"), { width: BARS * 4, height: 4 });
  const pen = small.getContext("2d", { willReadFrequently: true });
  // {time, tag} of the code that the video shows, or null where it shows none.
  const read = (video) => {
    pen.drawImage(video, 0, video.videoHeight * 0.4, video.videoWidth, video.videoHeight * 0.2, 0, 0, small.width, 4);
    const pixels = pen.getImageData(0, 2, small.width, 1).data;
    const bars = Array.from({ length: BARS }, (_, place) => (pixels[(place * 4 + 2) * 4] > 127 ? 1 : 0));
    const code = bars.slice(2, 2 + BITS + TAG);
    if (!bars[0] || bars[1] || code.reduce((sum, bit) => sum ^ bit, 0) !== bars[BARS - 1]) return null;
    const number = (list) => list.reduce((sum, bit) => sum * 2 + bit, 0);
    let time = number(code.slice(0, BITS));
    for (let shift = 1; shift < BITS; shift *= 2) time ^= time >> shift;
    return { time, tag: number(code.slice(BITS)) };
  };

  // Milliseconds from the drawing of each frame to when it is to be on the glass, for `count` frames of that tag.
  window.__readCodes = (tag, count, patience) =>
    new Promise((resolve) => {
      const found = [];
      const watched = new Set();
      let over = false;
      const end = () => {
        over = true;
        clearInterval(looking);
        resolve(found);
      };
      const look = (video) => {
        const frame = (_, { expectedDisplayTime }) => {
          if (over) return;
          const code = video.videoWidth ? read(video) : null;
          const shown = Math.round(performance.timeOrigin + expectedDisplayTime) % 2 ** BITS;
          if (code && code.tag === tag) found.push(shown - code.time);
          if (found.length >= count) end();
          else video.requestVideoFrameCallback(frame);
        };
        video.requestVideoFrameCallback(frame);
      };
      const looking = setInterval(() => {
        document.querySelectorAll("video").forEach((video) => {
          if (watched.has(video)) return;
          watched.add(video);
          look(video);
        });
      }, 100);
      setTimeout(end, patience);
    });
})();
