"""docs/first-rule.md, typed as it stands: every file, every command, every answer, and what comes of it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.conftest import CHECKOUT

PAGE = (CHECKOUT / "docs" / "first-rule.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
QUESTIONS = "A new rule in five questions"


def watcher(arguments: list[str], folder: Path, typed: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "watcher", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": "", "PYTHONIOENCODING": "utf-8"},
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def typed_in(transcript: str) -> str:
    """What the reader types: the lines after the `>`, and Enter at the last question."""
    return "".join(f"{line}\n" for line in re.findall(r"^> ?(.*)$", transcript, re.MULTILINE)) + "\n"


def seen(transcript: str) -> list[str]:
    """The lines of the program alone; nothing echoes what comes through a pipe, not even the line breaks."""
    shown = re.sub(r"^> ?.*$", "", transcript.replace("> ", ""), flags=re.MULTILINE)
    return [line.strip() for line in shown.splitlines() if line.strip()]


def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    blocks = list(BLOCK.finditer(PAGE))
    command: list[str] | None = None
    ran = 0
    for block in blocks:
        kind, text, file = block["kind"], block["text"], block["file"]
        if file is not None:
            (tmp_path / file).write_text(text, encoding="utf-8")
        elif kind == "sh":
            for line in text.splitlines():
                words = shlex.split(line)
                if words[0] != "watcher":
                    assert words[0] in ("mkdir", "cd")
                    continue
                command = words[1:]
                if command != ["rules", "new"]:
                    output = watcher(command, tmp_path)
                    ran += 1
        elif kind == "text" and text.startswith(QUESTIONS):
            output = watcher(["rules", "new"], tmp_path, typed_in(re.sub(r"Take them.*", "", text, flags=re.DOTALL)))
            answers = re.findall(r"^> (.+)$", text, re.MULTILINE)
            expected = [line for line in seen(text) if line not in answers]
            assert seen(output.replace("Take them? [Y/n]: ", "Take them? [Y/n]:\n")) == expected
            ran += 1
        elif kind == "text":
            assert output.endswith(text), output
        elif kind == "yaml":
            today = datetime.now(UTC).date().isoformat()
            written = (tmp_path / "rules" / "ambassador-called-home.yaml").read_text(encoding="utf-8")
            assert re.sub(r"(?<=^reviewed: )\S+", "DAY", written, flags=re.MULTILINE) == re.sub(
                r"(?<=^reviewed: )\S+", "DAY", text, flags=re.MULTILINE
            )
            assert f"reviewed: {today}" in written
    assert ran == 9
    assert (tmp_path / "story.html").read_text(encoding="utf-8").startswith("<!doctype html>")
