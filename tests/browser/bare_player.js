// The least that a browser can do to watch: one sound, one picture, nothing else. Returns when the first picture is shown,
// in milliseconds since the epoch.
async ({ url, ticket }) => {
  const peer = new RTCPeerConnection();
  for (const kind of ["audio", "video"]) peer.addTransceiver(kind, { direction: "recvonly" });
  const video = Object.assign(document.createElement("video"), { muted: true, autoplay: true, playsInline: true });
  document.body.append(video);
  const first = new Promise((resolve) => video.requestVideoFrameCallback((now) => resolve(performance.timeOrigin + now)));
  peer.ontrack = ({ track }) => track.kind === "video" && (video.srcObject = new MediaStream([track]));
  await peer.setLocalDescription();
  const headers = { Authorization: `Bearer ${ticket}`, "Content-Type": "application/sdp" };
  const response = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp });
  await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
  return first;
}
