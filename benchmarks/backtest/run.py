"""What a backtest costs: wall time, processor time and memory of `watcher rules backtest` over a large archive.

    python benchmarks/backtest/run.py [--articles 100000] [--rules PATH] [--jobs 0] [--corpus FOLDER]

The archive is the short news items and the long articles of the development corpus, over and over with new ids and
later dates. Memory is the largest sum, over all processes of the run, of the proportional set size (Linux only).
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
CORPUS = CHECKOUT.parent / "shared" / "data" / "corpus"
FILES = ("current_events_en.jsonl.gz", "long_articles_en.jsonl.gz")


def records(corpus: Path) -> Iterator[dict[str, object]]:
    """The articles of both files mixed, without end; each round has ids of its own and dates a day later."""
    once = []
    for name in FILES:
        with gzip.open(corpus / name, "rt", encoding="utf-8") as file:
            once.extend(map(json.loads, file))
    step = 17_389  # a prime: walking in such steps mixes the files and meets every article once
    for round_number in itertools.count():
        for index in range(len(once)):
            record = dict(once[index * step % len(once)])
            record["id"] = f"{record['id']}-{round_number}"
            day = date.fromisoformat(str(record["published"])[:10]) if record.get("published") else None
            if day is not None:
                record["published"] = (day + timedelta(days=round_number)).isoformat()
            yield record


def write_archive(path: Path, corpus: Path, articles: int) -> None:
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=6) as file:
        for record in itertools.islice(records(corpus), articles):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def tree_pss_bytes(pid: int) -> int:
    """Proportional set size of a process and all below it; 0 for those that have just ended."""
    total = 0
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        try:
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting.extend(map(int, (task / "children").read_text().split()))
        except OSError:
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--rules", type=Path, default=CHECKOUT / "rules")
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive.jsonl.gz"
        write_archive(archive, arguments.corpus, arguments.articles)
        command = [sys.executable, "-m", "watcher", "rules", "backtest", str(archive), "--format", "json"]
        command += ["--rules", str(arguments.rules), "--jobs", str(arguments.jobs)]
        began = time.monotonic()
        with (Path(folder) / "out.json").open("wb") as out, subprocess.Popen(command, stdout=out) as process:
            peak = 0
            while process.poll() is None:
                peak = max(peak, tree_pss_bytes(process.pid))
                time.sleep(0.2)
        seconds = time.monotonic() - began
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = json.loads((Path(folder) / "out.json").read_text(encoding="utf-8"))
    print(
        f"{result['articles']:,} articles, {len(result['rules'])} rules, {len(result['alerts']):,} alerts: "
        f"{seconds:.1f} s, {usage.ru_utime + usage.ru_stime:.1f} s of processor time, "
        f"{result['articles'] / seconds:,.0f} articles/s, {peak / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    main()
