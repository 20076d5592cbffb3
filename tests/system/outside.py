"""The world outside of a test machine, on its loopback: an outlet's feed and a stand-in for the Bot API.

Runs inside the machine with nothing but the standard library: python3 outside.py FOLDER. ``FOLDER/courier.xml`` is the
feed; every message that was sent becomes a line of ``FOLDER/told.jsonl``.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(sys.argv[1])
BOT = {"id": 1, "is_bot": True, "first_name": "watcher", "username": "watcher_bot"}


class Outside(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.answer("application/rss+xml", (FOLDER / "courier.xml").read_bytes())

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        method = self.path.rpartition("/")[2]
        result: object = True
        if method == "getMe":
            result = BOT
        elif method == "getUpdates":
            time.sleep(1)
            result = []
        elif method == "sendMessage":
            with (FOLDER / "told.jsonl").open("a") as told:
                told.write(json.dumps(sent) + "\n")
            result = {"message_id": time.monotonic_ns() // 1000 % 2**31, "date": int(time.time()), "chat": {"id": 2222, "type": "private"}}  # fmt: skip
        self.answer("application/json", json.dumps({"ok": True, "result": result}).encode())

    def log_message(self, *args: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", 8099), Outside).serve_forever()
