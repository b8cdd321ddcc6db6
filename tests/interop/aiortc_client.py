"""aiortc as a WHIP camera (`publish`) or a WHEP viewer (`play`).

    aiortc_client.py publish|play URL < token

A publisher says `publishing` and goes on until its input ends; a player ends when it has decoded
enough. Both end their connection and see it gone.
"""

import asyncio
import fractions
import sys
import time

from aiortc import AudioStreamTrack, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from av import VideoFrame

from endpoint import Endpoint, Watcher, expect

WIDTH, HEIGHT = 320, 240
# From the connection to enough decoded pictures. Two seconds are usual.
LIMIT_S = 20


class Stripes(VideoStreamTrack):
    """A picture whose stripes wander, 25 times a second."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.started = None

    async def recv(self):
        self.started = self.started or time.monotonic()
        due = self.started + self.count / 25
        await asyncio.sleep(max(0, due - time.monotonic()))
        frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane in frame.planes:
            line = bytes((x + 5 * self.count) % 256 for x in range(plane.line_size))
            plane.update(line * plane.height)
        frame.pts = self.count * 3600
        frame.time_base = fractions.Fraction(1, 90000)
        self.count += 1
        return frame


async def connect(peer, endpoint):
    """Sends the offer, takes the answer, waits for the connection."""
    connected = asyncio.Event()

    @peer.on("connectionstatechange")
    def changed():
        if peer.connectionState == "connected":
            connected.set()

    await peer.setLocalDescription(await peer.createOffer())
    answer = await asyncio.to_thread(endpoint.offer, peer.localDescription.sdp)
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.wait_for(connected.wait(), LIMIT_S)
    await asyncio.to_thread(endpoint.trickle)


async def publish(peer, endpoint):
    peer.addTransceiver(Stripes(), direction="sendonly")
    peer.addTransceiver(AudioStreamTrack(), direction="sendonly")
    await connect(peer, endpoint)
    print("publishing", flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def play(peer, endpoint):
    watcher = Watcher(WIDTH, HEIGHT)
    tasks = []

    async def watch(track):
        while not watcher.satisfied():
            frame = await track.recv()
            if track.kind == "audio":
                watcher.voice()
            else:
                grey = frame.reformat(format="gray")
                watcher.picture(frame.width, frame.height, bytes(grey.planes[0]))

    @peer.on("track")
    def arrived(track):
        tasks.append(asyncio.create_task(watch(track)))

    peer.addTransceiver("video", direction="recvonly")
    peer.addTransceiver("audio", direction="recvonly")
    await connect(peer, endpoint)
    done, pending = await asyncio.wait(tasks, timeout=LIMIT_S)
    for task in done:
        task.result()
    expect(not pending, f"in {LIMIT_S} s came {watcher.summary()}")
    print(f"played: {watcher.summary()}", flush=True)


async def main():
    does, url = sys.argv[1:]
    endpoint = Endpoint(url, sys.stdin.readline().strip())
    peer = RTCPeerConnection()
    await {"publish": publish, "play": play}[does](peer, endpoint)
    await asyncio.to_thread(endpoint.hang_up)
    await peer.close()


asyncio.run(main())
