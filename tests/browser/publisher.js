// A publisher that is not our page: canvas and tone by plain WHIP, with a codec of the test's choice.
async ({ url, ticket, codec, width, height, fps, hue }) => {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  let tick = 0;
  setInterval(() => {
    tick += 1;
    pen.fillStyle = `hsl(${hue}, 60%, ${40 + (tick % 20)}%)`;
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = "#fff";
    pen.fillRect((tick * 7) % width, height / 3, 40, 40);
  }, 1000 / fps);
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const out = audio.createMediaStreamDestination();
  tone.frequency.value = 440;
  tone.connect(out);
  tone.start();
  const peer = new RTCPeerConnection();
  peer.addTransceiver(out.stream.getAudioTracks()[0], { direction: "sendonly" });
  const line = peer.addTransceiver(canvas.captureStream(fps).getVideoTracks()[0], { direction: "sendonly" });
  const wanted = RTCRtpSender.getCapabilities("video").codecs.filter(
    (one) =>
      one.mimeType === `video/${codec}` &&
      (codec !== "H264" || /profile-level-id=42e01f/.test(one.sdpFmtpLine) && /packetization-mode=1/.test(one.sdpFmtpLine)),
  );
  if (!wanted.length) throw new Error(`this browser does not encode ${codec}`);
  line.setCodecPreferences(wanted);
  await peer.setLocalDescription();
  const offer = () =>
    fetch(url, {
      method: "POST",
      headers: { Authorization: `Bearer ${ticket}`, "Content-Type": "application/sdp" },
      body: peer.localDescription.sdp,
    });
  let response = await offer();
  for (let tries = 0; response.status === 503 && tries < 20; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 250)); // the relay is on its way back
    response = await offer();
  }
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
  window.__publisher = peer;
  const session = new URL(response.headers.get("Location"), url).href;
  window.__stopPublishing = async () => {
    await fetch(session, { method: "DELETE", headers: { Authorization: `Bearer ${ticket}` } });
    peer.close();
  };
  return session;
}
