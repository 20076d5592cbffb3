"""A week of the running daemon, as long as its work takes: is it late, does it grow, is anything lost or told twice?

    python -m benchmarks.soak.run [--days 7] [--sources 1000] [--articles N] [--stories N] [--rules 200] [--keep DIR]

Run it from the root of a checkout, on Linux. ``--articles`` and ``--stories`` follow from days and sources where they
are not given. Ends with 1 where something was lost, told twice or late.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.soak.clock import SharedSeconds
from benchmarks.soak.life import live
from benchmarks.soak.press import Plan, make_plan, serve, soak_rules
from benchmarks.soak.report import CHATS, DOWN_FOR, OPERATOR, report
from tests.bot_api import TOKEN
from watcher.rules.load import load_rules
from watcher.settings import shipped_rules

CHECKOUT = Path(__file__).resolve().parents[2]


def soak(folder: Path, arguments: Mapping[str, Any], rules: int) -> Plan:
    """The plan, after it was lived through; the folder holds what came of it."""
    ours = rules - len(load_rules([shipped_rules()]).rules)
    arguments = {**arguments, "rules": ours}
    (folder / "plan.json").write_text(json.dumps(arguments))
    plan = make_plan(**arguments)
    # What the lives need to know of the plan; it lies in none of their memories as a whole.
    hanging = {feed.name: feed.fails for feed in plan.feeds if feed.fails and feed.hangs}
    (folder / "hanging.json").write_text(json.dumps(hanging))
    seconds = SharedSeconds(folder / "seconds")
    press = _start("press", folder)
    try:
        while not (folder / "ports.json").exists():
            if press.poll() is not None:
                raise RuntimeError((folder / "press.log").read_text())
            time.sleep(0.02)
        _write_configuration(folder, plan, ours)
        for begin, until in ((0.0, plan.restart), (plan.restart + DOWN_FOR, plan.end)):
            seconds.write(begin)
            life = _start("life", folder, str(begin), str(until))
            if life.wait():
                tail = (folder / "life.log").read_text()[-3000:]
                raise RuntimeError(f"the daemon ended with {life.returncode}:\n{tail}")
    finally:
        press.send_signal(signal.SIGTERM)
        press.wait()
    return plan


def _start(what: str, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WATCHER_")}
    command = (sys.executable, "-m", "benchmarks.soak.run", "--part", what, "--keep", str(folder), *more)
    with (folder / f"{what}.log").open("ab") as log:
        return subprocess.Popen(command, cwd=CHECKOUT, env=environ, stderr=log)


def _write_configuration(folder: Path, plan: Plan, ours: int) -> None:
    ports = json.loads((folder / "ports.json").read_text())
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    (folder / "rules").mkdir()
    for rule_id, text in soak_rules(ours).items():
        (folder / "rules" / f"{rule_id}.yaml").write_text(text)
    text = f"""
[store]
path = "watcher.db"
[rules]
paths = ["{shipped_rules()}", "rules"]
[http]
allow_private_networks = true
[log]
format = "json"
[telegram]
token_file = "token"
base_url = "{ports["telegram"]}"
mode = "off"
[[recipients]]
id = "ops"
channel = "telegram"
to = "{OPERATOR}"
rules = ["none-of-them"]
operator = true
"""
    for name, (chat, patterns) in CHATS.items():
        text += f'[[recipients]]\nid = "{name}"\nchannel = "telegram"\nto = "{chat}"\nrules = {json.dumps(patterns)}\n'
    for feed in plan.feeds:
        text += (
            f'[[sources]]\nid = "{feed.name}"\nurl = "http://{feed.host}:{ports["feeds"]}/{feed.name}.xml"\n'
            f'language = "en"\nfull_text = {str(feed.has_pages).lower()}\n'
        )
        if feed.is_steady:
            text += 'slowest = "5m"\n'
    (folder / "watcher.toml").write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=7)
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--articles", type=int, help="2.9 a source and day unless given")
    parser.add_argument("--stories", type=int, help="one for 65 articles, 20 to 400, unless given")
    parser.add_argument("--rules", type=int, default=200, help="the shipped ones and as many more as it takes")
    parser.add_argument("--keep", type=Path, help="folder for everything that is written; must be empty")
    parser.add_argument("--part", choices=("press", "life", "report"), help=argparse.SUPPRESS)
    parser.add_argument("span", nargs="*", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    match given.part:
        case "press":
            asyncio.run(serve(given.keep))
            return 0
        case "life":
            live(given.keep, *given.span)
            return 0
        case "report":
            return 0 if report(given.keep, make_plan(**json.loads((given.keep / "plan.json").read_text()))) else 1
    articles = given.articles or round(20_000 / 7_000 * given.sources * given.days)
    stories = given.stories or min(max(articles // 65, 20), articles // 3, 400)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}")
    print(f"{given.days:g} days, {given.sources} sources, {given.rules} rules, {articles} articles, {stories} stories")
    arguments = {"days": given.days, "sources": given.sources, "articles": articles, "stories": stories}
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        folder.mkdir(exist_ok=True)
        began = time.monotonic()
        plan = soak(folder, arguments, given.rules)
        print(f"took {time.monotonic() - began:.0f} s")
        return 0 if report(folder, plan) else 1


if __name__ == "__main__":
    sys.exit(main())
