// A relay inside the page: answers WHEP offers with canvases, so that a test decides what every slot shows, and takes
// what is published. Where `window.__pose` names a slot, that person sits before this page's camera.
// window.__relay.show(slot, on), .refuse({status, type, title}), .sever(): the transports die, and offers fail.
(() => {
  const SLOTS = ["lecturer", "screen", "host", "guest"];
  const COATS = { lecturer: "#2f4a6d", host: "#6b3f3a", guest: "#3d5c43" };
  const Native = window.RTCPeerConnection;
  const shown = new Set();
  const tracks = new Map();
  const offers = [];
  let answering = [];
  let published = [];
  let refusal = null;
  let number = 0;

  const person = (pen, w, h, slot, tick) => {
    const wall = pen.createLinearGradient(0, 0, 0, h);
    wall.addColorStop(0, "#cfc6b8");
    wall.addColorStop(1, "#9c9182");
    pen.fillStyle = wall;
    pen.fillRect(0, 0, w, h);
    const sway = Math.sin(tick / 12) * 4;
    pen.fillStyle = COATS[slot];
    pen.beginPath();
    pen.ellipse(w / 2, h * 1.08, w * 0.24, h * 0.42, 0, 0, 7);
    pen.fill();
    pen.fillStyle = "#e2b999";
    pen.beginPath();
    pen.ellipse(w / 2 + sway, h * 0.42, h * 0.16, h * 0.2, 0, 0, 7);
    pen.fill();
    pen.fillStyle = "#33291f";
    pen.beginPath();
    pen.ellipse(w / 2 + sway, h * 0.33, h * 0.165, h * 0.13, 0, Math.PI, 7);
    pen.fill();
  };
  const slide = (pen, w, h, tick) => {
    pen.fillStyle = "#fffdf8";
    pen.fillRect(0, 0, w, h);
    pen.fillStyle = "#9c2b2b";
    pen.fillRect(0, 0, w, h * 0.16);
    pen.fillStyle = "#fff";
    pen.font = `${h * 0.08}px sans-serif`;
    pen.fillText("第三讲  流动中的组织生活", w * 0.05, h * 0.11);
    pen.fillStyle = "#333";
    pen.font = `${h * 0.055}px sans-serif`;
    ["一、为什么人走到哪里，组织就要在哪里", "二、镇巴县的做法与三年的数字", "三、支部书记每月要做的四件事", "四、问答"].forEach((line, i) =>
      pen.fillText(line, w * 0.07, h * (0.32 + i * 0.14)),
    );
    pen.fillRect(w * 0.9, h * 0.94, ((tick % 20) + 1) * 2, 4);
  };
  const draw = (slot) => {
    const size = slot === "screen" ? [1280, 720] : [640, 360];
    const canvas = Object.assign(document.createElement("canvas"), { width: size[0], height: size[1] });
    const pen = canvas.getContext("2d", { alpha: false });
    let tick = 0;
    const frame = () => {
      tick += 1;
      if (slot === "screen") slide(pen, ...size, tick);
      else person(pen, ...size, slot, tick);
    };
    frame();
    setInterval(frame, 100);
    return canvas.captureStream(10).getVideoTracks()[0];
  };
  const hum = () => {
    const context = new AudioContext();
    const [tone, out] = [new OscillatorNode(context, { frequency: 110 }), new MediaStreamAudioDestinationNode(context)];
    tone.connect(new GainNode(context, { gain: 0.05 })).connect(out);
    tone.start();
    return out.stream.getAudioTracks()[0];
  };
  const track = (slot) => {
    if (!tracks.has(slot)) tracks.set(slot, draw(slot));
    return tracks.get(slot);
  };

  const pose = window.__pose;
  if (pose)
    navigator.mediaDevices.getUserMedia = async ({ audio, video }) =>
      new MediaStream([...(audio ? [hum()] : []), ...(video ? [draw(pose)] : [])]);

  const answer = async (offer) => {
    const peer = new Native();
    const senders = new Map();
    offers.push(offer);
    await peer.setRemoteDescription({ type: "offer", sdp: offer });
    let videos = 0;
    for (const line of peer.getTransceivers()) {
      line.direction = "sendonly";
      if (line.receiver.track.kind === "video") senders.set(SLOTS[videos++], line.sender);
      else if (shown.size > 0) await line.sender.replaceTrack(hum());
    }
    answering.push({ peer, senders });
    for (const [slot, sender] of senders) await sender.replaceTrack(shown.has(slot) ? track(slot) : null);
    await peer.setLocalDescription();
    return created(peer, "/whep/scripted/session");
  };

  const take = async (offer) => {
    const peer = new Native();
    published.push(peer);
    await peer.setRemoteDescription({ type: "offer", sdp: offer });
    await peer.setLocalDescription();
    return created(peer, "/whip/scripted/session");
  };
  const created = async (peer, session) => {
    await new Promise((done) => {
      const gathered = () => peer.iceGatheringState === "complete" && done();
      peer.addEventListener("icegatheringstatechange", gathered);
      gathered();
    });
    number += 1;
    return new Response(peer.localDescription.sdp, {
      status: 201,
      headers: { "Content-Type": "application/sdp", Location: `${session}-${number}` },
    });
  };

  const fetchOfPage = window.fetch;
  window.fetch = async function (input, init = {}) {
    const [, way] = /\/(whep|whip)\//.exec(String(input)) ?? [];
    if (!way) return fetchOfPage.call(this, input, init);
    if (init.method === "DELETE") return new Response(null, { status: 200 });
    if (refusal === "away") throw new TypeError("network");
    if (refusal) {
      const headers = { "Content-Type": "application/problem+json", "Retry-After": "30" };
      return new Response(JSON.stringify(refusal), { status: refusal.status, headers });
    }
    return way === "whep" ? answer(init.body) : take(init.body);
  };

  window.__relay = {
    offers,
    get answered() {
      return offers.length;
    },
    async show(slot, on) {
      if (on) shown.add(slot);
      else shown.delete(slot);
      for (const one of answering) await one.senders.get(slot)?.replaceTrack(on ? track(slot) : null);
    },
    sever() {
      refusal = "away";
      for (const peer of [...answering.map((one) => one.peer), ...published]) peer.close();
      answering = published = [];
    },
    refuse(problem) {
      refusal = problem;
    },
    mend() {
      refusal = null;
    },
  };
})();
