"""The HTTP side of a WHIP or WHEP client, with the standard library alone.

    endpoint = Endpoint(url, token)
    answer = endpoint.offer(sdp)     # POST: 201, Location, ETag
    endpoint.trickle()               # PATCH with the ETag: 204; with others: 412, 428, 422
    endpoint.hang_up()               # DELETE: 200, twice; then PATCH: 404

Everything but the expected status ends the program with a sentence.
"""

import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

# The server under test shows a self-signed certificate.
TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE

FRAGMENT = "application/trickle-ice-sdpfrag"


def expect(holds, sentence):
    """Ends the program with a sentence unless something holds."""
    if not holds:
        sys.exit(f"FAILED: {sentence}")


class Endpoint:
    """An address that takes offers, and the connection it has made."""

    def __init__(self, url, token):
        self.url = url
        self.token = token
        self.location = None
        self.etag = None

    def offer(self, sdp):
        """Sends the offer; returns the answer."""
        headers = {"Content-Type": "application/sdp"}
        status, headers, answer = self._send("POST", self.url, headers, sdp)
        expect(status == 201, f"the offer was answered {status}: {answer}")
        expect(headers["Content-Type"] == "application/sdp", "the answer is no SDP")
        expect(headers["Accept-Patch"] == FRAGMENT, "no Accept-Patch")
        self.location = urllib.parse.urljoin(self.url, headers["Location"])
        self.etag = headers["ETag"]
        return answer

    def trickle(self):
        """Says that there are no candidates, as the protocol wants it and otherwise."""
        for if_match, wanted in ((self.etag, 204), ('"other"', 412), (None, 428), ("*", 422)):
            status = self._patch(if_match)
            expect(status == wanted, f"a PATCH with If-Match {if_match} was answered {status}")

    def hang_up(self):
        """Ends the connection; it is gone then."""
        for _ in range(2):
            status, _, text = self._send("DELETE", self.location, {})
            expect(status == 200, f"DELETE was answered {status}: {text}")
        status = self._patch(self.etag)
        expect(status == 404, f"the connection is still there: {status}")

    def _patch(self, if_match):
        headers = {"Content-Type": FRAGMENT}
        if if_match is not None:
            headers["If-Match"] = if_match
        return self._send("PATCH", self.location, headers, "a=end-of-candidates\r\n")[0]

    def _send(self, method, url, headers, body=None):
        headers = headers | {"Authorization": f"Bearer {self.token}"}
        data = None if body is None else body.encode()
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=TLS, timeout=10) as reply:
                return reply.status, reply.headers, reply.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read().decode()


class Watcher:
    """Judges decoded pictures and voice: enough of them, of the right size, not all the same."""

    PICTURES = 30
    VOICES = 30

    def __init__(self, width, height):
        self.size = (width, height)
        self.pictures = 0
        self.voices = 0
        self.different = set()

    def picture(self, width, height, content):
        """Takes a decoded picture; `content` is its brightness, line by line."""
        expect((width, height) == self.size, f"a picture of {width}x{height}")
        self.pictures += 1
        self.different.add(hash(content))

    def voice(self):
        """Takes a decoded piece of voice."""
        self.voices += 1

    def satisfied(self):
        """Whether enough has come, and the pictures differ."""
        enough = self.pictures >= self.PICTURES and self.voices >= self.VOICES
        return enough and len(self.different) >= self.PICTURES // 2

    def summary(self):
        """What has come."""
        return f"{self.pictures} pictures, {len(self.different)} different, {self.voices} voices"
