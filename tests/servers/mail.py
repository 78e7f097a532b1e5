"""A real SMTP server on loopback, with or without TLS and a password; letters lie in `letters`."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from servers.needs import free_port

USER, PASSWORD = "portal", "a password of the mail server"


@dataclass
class MailServer:
    """A running server; `letters` come in the order of their arrival."""

    port: int
    letters: list[EmailMessage] = field(default_factory=list)
    refuses: bool = False

    async def handle_DATA(self, _server: object, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuses:
            return "550 No such mailbox"
        assert isinstance(envelope.content, bytes)
        message = BytesParser(policy=policy.default).parsebytes(envelope.content)
        assert isinstance(message, EmailMessage)
        self.letters.append(message)
        return "250 OK"

    def next_letter(self) -> EmailMessage:
        """Wait for a letter and take it."""
        deadline = time.monotonic() + 20
        while not self.letters:
            assert time.monotonic() < deadline, "no letter came"
            time.sleep(0.02)
        return self.letters.pop(0)


def _is_right(_server: object, _session: object, _envelope: object, _way: str, given: object) -> AuthResult:
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=right)


@contextmanager
def running_mail_server(tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """Serve until the end of the context; with `tls` the server demands STARTTLS and the password."""
    server = MailServer(free_port())
    options = {"tls_context": tls, "require_starttls": True, "authenticator": _is_right, "auth_required": True}
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **(options if tls else {}))
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
