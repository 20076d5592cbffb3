"""``watcher`` in a pretended internet, as `python -m tests.pretended_internet`: 127.0.0.1 counts as a public address.

Names under ``.test`` lead there, or to the addresses that the JSON file ``PRETENDED_NAMES`` gives them at that moment.
All else is as it is, so 127.0.0.2 and its like are addresses of our own network.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import watcher.fetch
from watcher.cli import main
from watcher.web.addresses import is_public_address

PUBLIC = "127.0.0.1"


def pretend() -> None:
    """Nothing; fetches of this process see that internet from now on."""
    resolve = socket.getaddrinfo
    names = Path(os.environ["PRETENDED_NAMES"])

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(host).endswith(".test"):
            return resolve(host, *args, **kwargs)
        addresses = json.loads(names.read_text()).get(host, [PUBLIC])
        return [found for address in addresses for found in resolve(address, *args, **kwargs)]

    socket.getaddrinfo = getaddrinfo
    watcher.fetch.is_public_address = lambda text: text == PUBLIC or is_public_address(text)  # type: ignore[attr-defined]


if __name__ == "__main__":
    pretend()
    main()
