"""A server of objects as S3 has them, in this process, that can be told to be slow or busy."""

import hashlib
import os
import re
import threading
import urllib.parse
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock
from xml.sax.saxutils import escape, unescape

from tamis.sources.objects import client

_CHANGED = "Mon, 01 Jan 2024 10:00:00 GMT"
_PAGE = 1000


@dataclass
class ObjectServer:
    """One bucket, `photos`, of a server on a port of its own.

    Attributes:
        objects: bytes by key.
        busy: how often each key is still answered with 503; -1 for always.
        dropped: how often each key's answer still breaks off half-way.
        hanging: keys that are not answered before the server stops.
        is_careless: whether a put with the condition that nothing is there ignores it.
        asked: each request: its method, key and range.
        faults: tells at each request whether the server is busy with it; None for never.
        gone_after: requests after which each is refused; None for never.
        busy_lists: how many lists are still answered with 503.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    is_careless: bool = False
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    faults: object = None
    gone_after: int | None = None
    busy_lists: int = 0
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)

    def count(self, method, key=None):
        return sum(asked[0] == method and key in (None, asked[1]) for asked in self.asked)

    @property
    def web(self):
        """The same objects as a web server has them."""
        return f"http://127.0.0.1:{self.port}/photos/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _key(self):
        parts = urllib.parse.urlsplit(self.path)
        bucket, _, key = urllib.parse.unquote(parts.path).removeprefix("/").partition("/")
        return bucket, key, dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))

    def _answer(self, status, body=b"", *, head=False, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not head:
            self.wfile.write(body)

    def _refuses(self, key):
        server = self.server.state
        if key in server.hanging:
            server.stopped.wait(60)
            self.close_connection = True
            return True
        with server.lock:
            if server.gone_after is not None:
                server.gone_after -= 1
            gone = server.gone_after is not None and server.gone_after < 0
            if gone or (server.faults is not None and server.faults()):
                server.busy[key] = server.busy.get(key) or 1
            left = server.busy.get(key, 0)
            if left:
                server.busy[key] = left - 1 if left > 0 else left
        if left:
            self._answer(503, b"<Error><Code>SlowDown</Code></Error>")
        return bool(left)

    def do_HEAD(self):
        self._get(head=True)

    def do_GET(self):
        self._get(head=False)

    def _get(self, *, head):
        server = self.server.state
        bucket, key, query = self._key()
        server.asked.append(("HEAD" if head else "GET", key, self.headers.get("Range", "")))
        if bucket != "photos":
            self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>", head=head)
        elif not key and "list-type" in query:
            self._list(query)
        elif self._refuses(key):
            pass
        elif key not in server.objects:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>", head=head)
        else:
            self._object(key, server.objects[key], head=head)

    def _object(self, key, data, *, head):
        server = self.server.state
        tag = _tag(data)
        if self.headers.get("If-Match", tag) != tag:
            self._answer(412, head=head)
            return
        headers = {"ETag": tag, "Last_Modified": _CHANGED}
        status, part = 200, data
        asked = self.headers.get("Range")
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(data) - 1), len(data) - 1)
            if start >= len(data):
                self._answer(416, b"<Error><Code>InvalidRange</Code></Error>")
                return
            status, part = 206, data[start : end + 1]
            headers["Content_Range"] = f"bytes {start}-{end}/{len(data)}"
        with server.lock:
            cut = server.dropped.get(key, 0) and not head
            if cut:
                server.dropped[key] -= 1
        headers["Content_Length"] = str(len(part))
        self._answer(status, part[: len(part) // 2] if cut else part, head=head, **headers)
        if cut:
            self.close_connection = True

    def _list(self, query):
        server = self.server.state
        with server.lock:
            busy, server.busy_lists = server.busy_lists > 0, max(server.busy_lists - 1, 0)
        if busy:
            self._answer(503, b"<Error><Code>SlowDown</Code></Error>")
            return
        after = max(query.get("start-after", ""), query.get("continuation-token", ""))
        prefix = query.get("prefix", "")
        keys = sorted(key for key in server.objects if key.startswith(prefix) and key > after)
        page, more = keys[:_PAGE], len(keys) > _PAGE
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(server.objects[key])}</Size>"
            f"<ETag>{escape(_tag(server.objects[key]))}</ETag>"
            "<LastModified>2024-01-01T10:00:00.000Z</LastModified></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        body = (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}"
            "</ListBucketResult>"
        )
        self._answer(200, body.encode(), Content_Type="application/xml")

    def do_PUT(self):
        server = self.server.state
        bucket, key, _ = self._key()
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if bucket != "photos":
            self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
            return
        server.asked.append(("PUT", key, ""))
        if self._refuses(key):
            return
        with server.lock:
            taken = key in server.objects and self.headers.get("If-None-Match") == "*"
            if not taken or server.is_careless:
                server.objects[key] = data
                taken = False
        if taken:
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        else:
            self._answer(200, ETag=_tag(data))

    def do_POST(self):
        """Remove several objects at once, which is all that is posted."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        keys = [unescape(key) for key in re.findall(r"<Key>(.*?)</Key>", body)]
        for key in keys:
            self.server.state.objects.pop(key, None)
        told = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{told}</DeleteResult>".encode())

    def do_DELETE(self):
        _, key, _ = self._key()
        self.server.state.objects.pop(key, None)
        self._answer(204)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that break off are what some tests are about."""


def _tag(data):
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


@contextmanager
def running_object_server():
    """Serve a bucket that `s3://photos` means by the variables of the environment."""
    state = ObjectServer()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.state = state
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        state.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def quick_object_client(server):
    """Lead `s3://photos` to a server, whose refusals are met by asking again at once."""
    pause = timedelta(milliseconds=1)
    backoff = {"init_backoff": pause, "max_backoff": pause, "base": 2}
    client.client_of.cache_clear()
    with (
        mock.patch.object(client, "PATIENCE", {**client.PATIENCE, "backoff": backoff}),
        mock.patch.dict(os.environ, environment(server)),
    ):
        yield
    client.client_of.cache_clear()


def environment(server):
    """Return the variables that lead `s3://` to a server, and let no other answer."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}",
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": "no secret",
        "AWS_REGION": "us-east-1",
        "NO_PROXY": ",".join(filter(None, ["127.0.0.1", os.environ.get("NO_PROXY", "")])),
    }
