// A small relay on Pion, for comparison: plain RTP in, WHEP out, one UDP port for all viewers.
//
// It is built as Pion's own broadcast examples are: one local track for each stream, added to every peer connection.
// SRTP is AES-128-GCM only; packets are sent as they come.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc" // v3.1.56: Debian keeps it in the folder without the version
)

const (
	offerLimit       = 64 << 10 // bytes
	largestDatagram  = 1500     // bytes
	viewersBuffer    = 4 << 20  // bytes, as far as the system allows
	sourceBuffer     = 1 << 20  // bytes: some seconds of the stream
	gatheringTimeout = 5 * time.Second
	readTimeout      = 10 * time.Second
	opusType         = 111
	vp8Type          = 96
	path             = "/whep"
)

var (
	opus = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	vp8  = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
)

// relay gives two tracks to any number of viewers.
type relay struct {
	api          *webrtc.API
	audio, video *webrtc.TrackLocalStaticRTP

	mutex   sync.Mutex
	viewers map[string]*webrtc.PeerConnection
	opened  int
}

func main() {
	address := flag.String("address", "", "the address of all ports")
	httpPort := flag.Int("http", 0, "TCP port of WHEP")
	mediaPort := flag.Int("media", 0, "UDP port of all viewers")
	audioPort := flag.Int("audio", 0, "UDP port that takes Opus as plain RTP")
	videoPort := flag.Int("video", 0, "UDP port that takes VP8 as plain RTP")
	interceptors := flag.Bool("interceptors", true, "with Pion's default interceptors (reports, resends)")
	flag.Parse()

	ip := net.ParseIP(*address)
	if ip == nil {
		log.Fatalf("--address %q is not an address", *address)
	}
	made, err := newRelay(ip, *mediaPort, *interceptors)
	if err != nil {
		log.Fatal(err)
	}
	for port, track := range map[int]*webrtc.TrackLocalStaticRTP{*audioPort: made.audio, *videoPort: made.video} {
		source, err := listen(ip, port, sourceBuffer)
		if err != nil {
			log.Fatal(err)
		}
		go forward(source, track)
	}
	if err := made.serve(net.JoinHostPort(*address, strconv.Itoa(*httpPort))); err != nil {
		log.Fatal(err)
	}
}

func newRelay(ip net.IP, mediaPort int, interceptors bool) (*relay, error) {
	media := &webrtc.MediaEngine{}
	for payloadType, codec := range map[webrtc.PayloadType]webrtc.RTPCodecCapability{opusType: opus, vp8Type: vp8} {
		kind := webrtc.RTPCodecTypeVideo
		if codec.MimeType == webrtc.MimeTypeOpus {
			kind = webrtc.RTPCodecTypeAudio
		}
		known := webrtc.RTPCodecParameters{RTPCodecCapability: codec, PayloadType: payloadType}
		if err := media.RegisterCodec(known, kind); err != nil {
			return nil, err
		}
	}
	registry := &interceptor.Registry{}
	if interceptors {
		if err := webrtc.RegisterDefaultInterceptors(media, registry); err != nil {
			return nil, err
		}
	}
	port, err := listen(ip, mediaPort, viewersBuffer)
	if err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetLite(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEUDPMux(webrtc.NewICEUDPMux(nil, port))
	settings.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)
	if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return nil, err
	}
	audio, err := webrtc.NewTrackLocalStaticRTP(opus, "audio", "lecture")
	if err != nil {
		return nil, err
	}
	video, err := webrtc.NewTrackLocalStaticRTP(vp8, "video", "lecture")
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(registry))
	return &relay{api: api, audio: audio, video: video, viewers: map[string]*webrtc.PeerConnection{}}, nil
}

func listen(ip net.IP, port, buffer int) (*net.UDPConn, error) {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: ip, Port: port})
	if err != nil {
		return nil, err
	}
	if err := socket.SetReadBuffer(buffer); err != nil {
		return nil, err
	}
	return socket, socket.SetWriteBuffer(buffer)
}

// forward writes what arrives to every viewer of a track, one after the other.
func forward(source *net.UDPConn, track *webrtc.TrackLocalStaticRTP) {
	packet := make([]byte, largestDatagram)
	for {
		length, err := source.Read(packet)
		if err != nil {
			log.Fatal(err)
		}
		// An error is one viewer's (its connection is closing): the others have been sent theirs.
		_, _ = track.Write(packet[:length])
	}
}

// serve answers WHEP until SIGTERM or SIGINT.
func (r *relay) serve(address string) error {
	mux := http.NewServeMux()
	mux.HandleFunc(path, r.open)
	mux.HandleFunc(path+"/", r.close)
	server := &http.Server{Addr: address, Handler: mux, ReadTimeout: readTimeout}
	ended, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ended.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (r *relay) open(response http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		response.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	offer, err := io.ReadAll(http.MaxBytesReader(response, request.Body, offerLimit))
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	viewer, err := r.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		http.Error(response, err.Error(), http.StatusInternalServerError)
		return
	}
	answer, err := r.answer(viewer, string(offer))
	if err != nil {
		_ = viewer.Close()
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	response.Header().Set("Content-Type", "application/sdp")
	response.Header().Set("Location", path+"/"+r.keep(viewer))
	response.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(response, answer)
}

func (r *relay) answer(viewer *webrtc.PeerConnection, offer string) (string, error) {
	description := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}
	if err := viewer.SetRemoteDescription(description); err != nil {
		return "", err
	}
	for _, track := range []webrtc.TrackLocal{r.audio, r.video} {
		sender, err := viewer.AddTrack(track)
		if err != nil {
			return "", err
		}
		go readReports(sender)
	}
	answer, err := viewer.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(viewer)
	if err := viewer.SetLocalDescription(answer); err != nil {
		return "", err
	}
	select {
	case <-gathered:
		return viewer.LocalDescription().SDP, nil
	case <-time.After(gatheringTimeout):
		return "", errors.New("no candidates")
	}
}

// readReports lets the interceptors see what a viewer says: they look at it when it is read.
func readReports(sender *webrtc.RTPSender) {
	packet := make([]byte, largestDatagram)
	for {
		if _, _, err := sender.Read(packet); err != nil {
			return
		}
	}
}

// keep returns the name under which the viewer can be closed; one whose connection failed is forgotten.
func (r *relay) keep(viewer *webrtc.PeerConnection) string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.opened++
	name := strconv.Itoa(r.opened)
	r.viewers[name] = viewer
	viewer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateFailed {
			r.forget(name)
		}
	})
	return name
}

func (r *relay) forget(name string) bool {
	r.mutex.Lock()
	viewer, known := r.viewers[name]
	delete(r.viewers, name)
	r.mutex.Unlock()
	if known {
		_ = viewer.Close()
	}
	return known
}

func (r *relay) close(response http.ResponseWriter, request *http.Request) {
	switch {
	case request.Method == http.MethodPatch: // candidates: this side is ICE-lite and needs none
		response.WriteHeader(http.StatusNoContent)
	case request.Method != http.MethodDelete:
		response.WriteHeader(http.StatusMethodNotAllowed)
	case !r.forget(strings.TrimPrefix(request.URL.Path, path+"/")):
		response.WriteHeader(http.StatusNotFound)
	}
}
