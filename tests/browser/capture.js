// Runs before a page's own scripts: keeps hold of its peer connections and counts its offers, for the test to read.
(() => {
  const peers = [];
  const posts = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      peers.push(this);
    }
  };
  const fetchOfPage = window.fetch;
  window.fetch = function (input, init = {}) {
    const url = String(input instanceof Request ? input.url : input);
    const method = (init.method || (input instanceof Request && input.method) || "GET").toUpperCase();
    if (/\/wh[ie]p\//.test(url)) posts.push({ url, method, at: Date.now(), size: String(init.body ?? "").length });
    return fetchOfPage.call(this, input, init);
  };

  // The first decoded picture of each <video>, in milliseconds since the page was opened.
  const firsts = {};
  const watch = (video) => {
    if (video.__watched || !video.requestVideoFrameCallback) return;
    video.__watched = true;
    video.requestVideoFrameCallback((now) => {
      const name = video.dataset.testid || "video";
      if (!(name in firsts)) firsts[name] = performance.timeOrigin + now;
    });
  };
  // A thumb that waits above the button: it taps as soon as there is something to tap.
  const tap = () => {
    const button = window.__eager && document.querySelector("[data-testid=join-enter]");
    if (button && !button.disabled) {
      window.__eager = false;
      button.click();
    }
  };
  new MutationObserver(() => {
    document.querySelectorAll("video").forEach(watch);
    tap();
  }).observe(document, { childList: true, subtree: true, attributes: true });

  // A picture with as much to encode as a lecture hall has; the fake camera's is too plain to fill a megabit.
  const busyPicture = ({ width, height, fps }) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const pen = canvas.getContext("2d");
    const grain = pen.createImageData(width / 4, height / 4);
    for (let place = 0; place < grain.data.length; place += 4) {
      grain.data[place] = grain.data[place + 1] = grain.data[place + 2] = 255 * Math.random();
      grain.data[place + 3] = 255;
    }
    const texture = document.createElement("canvas");
    texture.width = width / 4;
    texture.height = height / 4;
    texture.getContext("2d").putImageData(grain, 0, 0);
    let tick = 0;
    setInterval(() => {
      tick += 1;
      const shift = (tick * 3) % texture.width;
      for (let x = -shift; x < width; x += texture.width)
        for (let y = 0; y < height; y += texture.height) pen.drawImage(texture, x, y);
    }, 1000 / fps);
    return canvas.captureStream(fps).getVideoTracks()[0];
  };

  const source = window.__source;
  if (source && navigator.mediaDevices) {
    const devices = navigator.mediaDevices;
    const camera = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (wanted) => {
      if (!wanted || !wanted.video) return camera(wanted);
      const size = { width: source.width, height: source.height, frameRate: source.fps };
      const stream = await camera({ ...wanted, video: size });
      if (!source.rich) return stream;
      stream.getVideoTracks().forEach((track) => {
        stream.removeTrack(track);
        track.stop();
      });
      stream.addTrack(busyPicture(source));
      return stream;
    };
    const screen = devices.getDisplayMedia.bind(devices);
    devices.getDisplayMedia = async (wanted) => {
      const stream = await screen(wanted);
      await Promise.all(
        stream.getVideoTracks().map((track) =>
          track.applyConstraints({ width: source.width, height: source.height, frameRate: source.fps }).catch(() => {}),
        ),
      );
      return stream;
    };
  }

  window.__test = {
    posts,
    firsts,
    peers,
    // What arrives, by line: one entry for each inbound-rtp, with the slot that the answer names in a=msid.
    async inbound() {
      const found = [];
      for (const peer of peers) {
        if (peer.connectionState === "closed") continue;
        const slots = {};
        const sdp = (peer.remoteDescription && peer.remoteDescription.sdp) || "";
        for (const part of sdp.split(/\r?\nm=/).slice(1)) {
          const mid = /a=mid:(\S+)/.exec(part);
          const msid = /a=msid:(\S+)/.exec(part);
          if (mid && msid) slots[mid[1]] = msid[1];
        }
        const stats = await peer.getStats();
        const codecs = {};
        stats.forEach((entry) => {
          if (entry.type === "codec") codecs[entry.id] = entry.mimeType;
        });
        stats.forEach((entry) => {
          if (entry.type === "inbound-rtp")
            found.push({
              slot: slots[entry.mid],
              kind: entry.kind,
              codec: codecs[entry.codecId],
              packets: entry.packetsReceived,
              lost: entry.packetsLost,
              frames: entry.framesDecoded,
              width: entry.frameWidth,
              freezes: entry.freezeCount,
              energy: entry.totalAudioEnergy,
              jitterDelay: entry.jitterBufferDelay / (entry.jitterBufferEmittedCount || 1),
            });
        });
      }
      return found;
    },
    async outbound() {
      const found = [];
      for (const peer of peers) {
        if (peer.connectionState === "closed") continue;
        (await peer.getStats()).forEach((entry) => {
          if (entry.type === "outbound-rtp")
            found.push({
              kind: entry.kind,
              peer: peers.indexOf(peer),
              rid: entry.rid,
              ssrc: entry.ssrc,
              frames: entry.framesEncoded,
              sent: entry.framesSent,
              keyFrames: entry.keyFramesEncoded,
              bytes: entry.bytesSent,
              width: entry.frameWidth,
              height: entry.frameHeight,
              limited: entry.qualityLimitationReason,
              fps: entry.framesPerSecond,
              at: entry.timestamp,
            });
        });
      }
      return found;
    },
  };
})();
