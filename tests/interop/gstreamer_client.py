"""GStreamer's webrtcbin as a WHIP camera (`publish`) or a WHEP viewer (`play`).

    gstreamer_client.py publish|play URL < token

A publisher says `publishing` and goes on until its input ends; a player ends when it has decoded
enough. Both end their connection and see it gone. Needs Debian's python3, which has its GStreamer.
"""

import hashlib
import re
import ssl
import subprocess
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

from endpoint import Endpoint, Watcher  # noqa: E402

WIDTH, HEIGHT = 320, 240
# From the start to enough decoded pictures. Two seconds are usual.
LIMIT_S = 20

CAMERA = f"""
webrtcbin name=peer bundle-policy=max-bundle
videotestsrc is-live=true pattern=ball ! video/x-raw,width={WIDTH},height={HEIGHT},framerate=25/1
  ! vp8enc deadline=1 ! rtpvp8pay
  ! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! peer.
audiotestsrc is-live=true ! opusenc ! rtpopuspay
  ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer.
"""
PICTURE = "rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=GRAY8 ! appsink name=sink"
VOICE = "rtpopusdepay ! opusdec ! appsink name=sink"


class Client:
    """One webrtcbin, and the loop that all of its callbacks come from or are sent to."""

    def __init__(self, pipeline, endpoint):
        self.pipeline = pipeline
        self.peer = pipeline.get_by_name("peer")
        self.endpoint = endpoint
        self.loop = GLib.MainLoop()
        self.peer.connect("on-negotiation-needed", self._negotiate)
        self.peer.connect("notify::ice-gathering-state", self._gathered)
        self.peer.connect("notify::connection-state", self._changed)
        self.on_connected = lambda: None
        # What has not come yet; nothing once it may take as long as it likes.
        self.lacks = lambda: "no connection"
        self.done = False
        self.certificate = certificate()
        pipeline.connect("deep-element-added", self._added)

    def run(self):
        """Plays until the loop ends; afterwards the connection is gone."""
        GLib.timeout_add_seconds(LIMIT_S, self._late)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        if not self.done:
            sys.exit(f"FAILED: {self.lacks()} in {LIMIT_S} s")
        self.endpoint.hang_up()
        self.pipeline.set_state(Gst.State.NULL)

    def end(self):
        """Ends the loop: all went well."""
        self.done = True
        self.loop.quit()

    def _added(self, _, __, element):
        # GStreamer makes itself an RSA certificate; the node takes ECDSA with P-256 alone, which
        # every WebRTC program has to know (RFC 8827 section 6.5). webrtcbin has no property for
        # that, but its DTLS has. Both halves find their connection by its name, and that is made
        # with the certificate that is there when the name is given.
        kind = element.get_factory().get_name() if element.get_factory() else ""
        if kind in ("dtlsdec", "dtlsenc"):
            if kind == "dtlsdec":
                element.props.pem = self.certificate
            element.props.connection_id += "-ecdsa"

    def _late(self):
        if self.lacks is not None:
            self.loop.quit()

    def _negotiate(self, peer):
        made = Gst.Promise.new_with_change_func(self._offered)
        peer.emit("create-offer", None, made)

    def _offered(self, promise):
        # The offer lives as long as its promise.
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        self.peer.emit("set-local-description", offer, Gst.Promise.new())

    def _gathered(self, peer, _):
        if peer.props.ice_gathering_state == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self._send)

    def _send(self):
        sdp = self.peer.props.local_description.sdp.as_text()
        # webrtcbin takes the key for a part of a certificate that was given to it.
        own = f"a=fingerprint:sha-256 {fingerprint(self.certificate)}"
        answer = self.endpoint.offer(re.sub("a=fingerprint:.*", own, sdp))
        _, sdp = GstSdp.SDPMessage.new_from_text(answer)
        kind = GstWebRTC.WebRTCSDPType.ANSWER
        answer = GstWebRTC.WebRTCSessionDescription.new(kind, sdp)
        self.peer.emit("set-remote-description", answer, Gst.Promise.new())

    def _changed(self, peer, _):
        if peer.props.connection_state == GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
            GLib.idle_add(self._connected)

    def _connected(self):
        self.endpoint.trickle()
        self.on_connected()


def certificate():
    """A certificate for a day, with its key."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
    command += " -subj /CN=client -keyout - -out -"
    made = subprocess.run(command.split(), check=True, capture_output=True, text=True)
    return made.stdout


def fingerprint(pem):
    """The certificate's in `a=fingerprint` (RFC 8122)."""
    begin = pem.index("-----BEGIN CERTIFICATE-----")
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[begin:])).digest()
    return ":".join(f"{byte:02X}" for byte in digest)


def publish(endpoint):
    client = Client(Gst.parse_launch(CAMERA), endpoint)
    for index in range(2):
        way = client.peer.emit("get-transceiver", index)
        way.props.direction = GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY

    def until_told():
        sys.stdin.read()
        GLib.idle_add(client.end)

    def connected():
        client.lacks = None
        print("publishing", flush=True)
        threading.Thread(target=until_told, daemon=True).start()

    client.on_connected = connected
    client.run()


def play(endpoint):
    pipeline = Gst.parse_launch("webrtcbin name=peer bundle-policy=max-bundle")
    # A pipeline of one element is that element.
    peer, pipeline = pipeline, Gst.Pipeline.new()
    pipeline.add(peer)
    client = Client(pipeline, endpoint)
    watcher = Watcher(WIDTH, HEIGHT)
    receive = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
    for media, encoding, clock, payload in (("video", "VP8", 90000, 96), ("audio", "OPUS", 48000, 97)):
        caps = f"application/x-rtp,media={media},encoding-name={encoding},clock-rate={clock},payload={payload}"
        caps += ",encoding-params=(string)2" if media == "audio" else ""
        peer.emit("add-transceiver", receive, Gst.Caps.from_string(caps))

    def pulled(sink):
        sample = sink.emit("pull-sample")
        if sink.name == "voice":
            watcher.voice()
        else:
            size = sample.get_caps().get_structure(0)
            content = sample.get_buffer().extract_dup(0, sample.get_buffer().get_size())
            watcher.picture(size.get_value("width"), size.get_value("height"), content)
        if watcher.satisfied():
            GLib.idle_add(client.end)
        return Gst.FlowReturn.OK

    def arrived(_, pad):
        media = pad.get_current_caps().get_structure(0).get_value("media")
        bin = Gst.parse_bin_from_description(VOICE if media == "audio" else PICTURE, True)
        sink = bin.get_by_name("sink")
        sink.name = "voice" if media == "audio" else "picture"
        sink.props.emit_signals = True
        sink.props.sync = False
        sink.connect("new-sample", pulled)
        pipeline.add(bin)
        bin.sync_state_with_parent()
        pad.link(bin.get_static_pad("sink"))

    peer.connect("pad-added", arrived)
    client.lacks = lambda: f"only {watcher.summary()}"
    client.run()
    print(f"played: {watcher.summary()}", flush=True)


def main():
    does, url = sys.argv[1:]
    Gst.init(None)
    {"publish": publish, "play": play}[does](Endpoint(url, sys.stdin.readline().strip()))


main()
