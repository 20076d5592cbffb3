"""Prints the man page watcher(1): the commands as the program itself describes them, the rest from here.

Run with the environment that watcher is installed in: python packaging/manpage.py [DATE] > watcher.1
"""

from __future__ import annotations

import re
import sys
from typing import Any

import typer.main

from watcher import __version__
from watcher.cli import make_app

BEFORE = """\
.TH WATCHER 1 "{date}" "watcher {version}" "User Commands"
.SH NAME
watcher \\- alerts for signals of escalation in the news
.SH SYNOPSIS
.B watcher
.I COMMAND
.RI [ ARGUMENT ...]
.SH DESCRIPTION
watcher polls news sources, runs rules written in YAML over every article, and sends one message for each event to the
Telegram chats, mailboxes and other channels that asked for it, and later only what changed.
.PP
.B watcher init
.I DIR
writes a configuration to begin with,
.B watcher check
finds every mistake in it,
.B watcher run
is the daemon, as a rule started by systemd as
.BR watcher.service .
.SH COMMANDS
Every command takes
.BR \\-\\-help ;
those that need the configuration take
.BI \\-\\-config " FILE"\\c
\\&.
"""
TOLD_ONCE = ("help", "config")
AFTER = """\
.SH SIGNALS
.TP
.B SIGHUP
Read configuration and rules again; where something in them is wrong, the old ones stay in force.
.TP
.BR SIGTERM , SIGINT
Stop, within five seconds.
.SH EXIT STATUS
.TP
.B 0
All is well; of the daemon: it was asked to stop.
.TP
.B 1
Something that the command looked at is wrong.
.TP
.B 2
The configuration or the rules are wrong, and every mistake was printed with its file, line and column.
.TP
.B 4
The store is damaged; bring back a backup with
.BR "watcher restore" .
.SH ENVIRONMENT
.TP
.B WATCHER_CONFIG
The configuration file, where none is named with
.BR \\-\\-config .
.TP
.BI WATCHER_ SECTION __ SETTING
Overrides a setting of the configuration.
.TP
.B CREDENTIALS_DIRECTORY
Where secrets are looked for first; systemd sets it.
.SH FILES
.TP
.I config.toml
The configuration, in the working directory; else
.IR /etc/watcher/config.toml .
.TP
.I credentials/
Beside the configuration: one file for each secret, such as
.I telegram_token
or
.IR email_password ,
readable by their owner alone.
.TP
.I /var/lib/watcher/watcher.db
Everything that the service keeps.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1),
.I /usr/share/doc/escalation\\-watcher/
"""


def escape(text: str) -> str:
    """The text as roff prints it unchanged."""
    text = re.sub(r"\s+", " ", text).strip().replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text)


def commands_of(command: Any, path: str = "") -> list[tuple[str, Any]]:
    """Every command that can be typed, with its words; a group of its own where it does something alone."""
    children = getattr(command, "commands", {})
    found = [(path, command)] if path and (not children or command.invoke_without_command) else []
    return found + [one for name, child in children.items() for one in commands_of(child, f"{path} {name}".strip())]


def spell(typed: str) -> str:
    """An option as it is typed, in roff: names bold, what stands behind them in italics."""
    words = [f"\\fB{escape(word)}\\fR" if word.startswith("-") else f"\\fI{escape(word)}\\fR" for word in typed.split()]
    return " ".join(words)


def describe(path: str, command: Any) -> str:
    """The part of the page about one command."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    usage = [spell(re.sub(r"[{}]|\.{3}$", "", piece)) for one in arguments for piece in one.get_usage_pieces(CONTEXT)]
    usage += ["[\\fIoptions\\fR]"] if options else []
    lines = [".TP", " ".join((f"\\fBwatcher {escape(path)}\\fR", *usage)), escape(command.help or "")]
    described = [(one.metavar or one.name.upper(), one.help) for one in arguments if one.help]
    described += [record for one in options if (record := one.get_help_record(CONTEXT)) and one.name not in TOLD_ONCE]
    if described:
        lines.append(".RS")
        lines += [line for typed, text in described for line in (".TP", spell(typed), escape(text))]
        lines.append(".RE")
    return "\n".join(lines)


def manpage(date: str) -> str:
    """The whole page, in the man macros of roff."""
    commands = [describe(path, command) for path, command in commands_of(ROOT)]
    return BEFORE.format(date=date, version=__version__) + "\n".join(commands) + "\n" + AFTER


ROOT = typer.main.get_command(make_app())
CONTEXT = ROOT.context_class(ROOT, info_name="watcher")

if __name__ == "__main__":
    sys.stdout.write(manpage(*sys.argv[1:] or [""]))
