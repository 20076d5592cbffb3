"""A real SMTP server with faults: STARTTLS or TLS, login, greylisting, refusals, lost connections.

In tests: ``async with MailServer() as server``. As a program for acceptance: ``python tests/smtp.py --port N --log
FILE`` writes each accepted mail as a JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import json
import ssl
import warnings
from collections import defaultdict, deque
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True, slots=True)
class MailFault:
    """One answer that is not a plain yes."""

    at: str  # "RCPT" or "DATA"
    answer: str = ""  # "451 4.7.1 Greylisted, try again in 5 minutes"
    lose: str = ""  # the connection breaks; at DATA "before" or "after" the mail was accepted


@dataclass(frozen=True, slots=True)
class AcceptedMail:
    """A mail that the server has taken responsibility for."""

    sender: str
    recipient: str
    mail: EmailMessage
    was_encrypted: bool
    login: str | None
    raw: bytes


@dataclass
class MailServer:
    """The server and what it knows; also the handler that aiosmtpd asks."""

    port: int = 0
    starttls: ssl.SSLContext | None = None
    tls: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None  # required where given
    with_smtputf8: bool = True
    answer_after: float = 0.0  # seconds between acceptance and answer
    log: Path | None = None
    accepted: list[AcceptedMail] = field(default_factory=list)
    faults: dict[str, deque[MailFault]] = field(default_factory=lambda: defaultdict(deque))
    _server: asyncio.Server | None = None
    _protocols: list[SMTP] = field(default_factory=list)

    def answer(self, recipient: str, *faults: MailFault) -> None:
        """Nothing; the next mails to the address meet these, then normal answers follow."""
        self.faults[recipient].extend(faults)

    async def __aenter__(self) -> MailServer:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            for protocol in self._protocols:
                if protocol.transport is not None:
                    protocol.transport.abort()
            await self._server.wait_closed()

    def _protocol(self) -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # aiosmtpd does not see that the whole connection is TLS already
            protocol = SMTP(
                self,
                hostname="mail.example.org",
                enable_SMTPUTF8=self.with_smtputf8,
                tls_context=self.starttls,
                require_starttls=self.starttls is not None,
                authenticator=self._authenticate if self.login else None,
                auth_required=self.login is not None,
                auth_require_tls=self.starttls is not None,
                loop=asyncio.get_running_loop(),
            )
        self._protocols.append(protocol)
        return protocol

    def _authenticate(self, server: SMTP, session: Session, envelope: Envelope, kind: str, data: object) -> AuthResult:
        assert self.login is not None and isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.login, handled=False, auth_data=given[0])

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        waiting = self.faults[address]
        if waiting and waiting[0].at == "RCPT":
            fault = waiting.popleft()
            if fault.lose:
                server.transport.abort()
            return fault.answer or "421 lost"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (recipient,) = envelope.rcpt_tos
        waiting = self.faults[recipient]
        fault = waiting.popleft() if waiting and waiting[0].at == "DATA" else MailFault("")
        if fault.answer:
            return fault.answer
        if fault.lose == "before":
            server.transport.abort()
            return "421 never read"
        self._accept(server, session, envelope, recipient)
        await asyncio.sleep(self.answer_after)
        if fault.lose == "after":
            server.transport.abort()
        return "250 OK"

    def _accept(self, server: SMTP, session: Session, envelope: Envelope, recipient: str) -> None:
        raw = envelope.original_content or b""
        message = email.message_from_bytes(raw, policy=email.policy.SMTPUTF8)
        assert isinstance(message, EmailMessage)
        mail = AcceptedMail(
            sender=str(envelope.mail_from),
            recipient=recipient,
            mail=message,
            was_encrypted=session.ssl is not None or self.tls is not None,
            login=str(session.auth_data) if session.authenticated else None,
            raw=raw,
        )
        self.accepted.append(mail)
        if self.log is not None:
            text = message.get_body(("plain",))
            line = {
                "sender": mail.sender,
                "recipient": recipient,
                "headers": {name: str(value) for name, value in message.items()},
                "text": text.get_content() if text is not None else "",
            }
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


async def serve(port: int, log: Path) -> None:
    async with MailServer(port=port, log=log) as server:
        print(f"SMTP server: 127.0.0.1:{server.port}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="An SMTP server that accepts everything and writes it down.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True, help="accepted mails, one JSON line each")
    given = parser.parse_args()
    try:
        asyncio.run(serve(given.port, given.log))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
