"""Letters to people with accounts: through a mail server, or left in the folder `outbox` for the operator to pass on.

Every letter is first written to the outbox and taken out of it when the mail server has accepted it, so none gets lost.
"""

from __future__ import annotations

import logging
import os
import smtplib
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from functools import cache
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import yaml
from sqlalchemy.orm import Session

from catalogue.config_options import settings_in_force
from catalogue.settings import CatalogueSettings
from catalogue.store import afterwards

OUTBOX = "outbox"
PORTS = {"smtps": 465, "smtp+starttls": 587, "smtp": 25}
TIMEOUT_SECONDS = 20
TEXTS = Path(__file__).parent / "letters.yaml"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Letter:
    """A letter by its name in `letters.yaml`, the words that belong into its gaps, and when it is written (naive UTC)."""

    name: str
    to: str
    words: Mapping[str, str]
    at: datetime


def post_after_commit(session: Session, settings: CatalogueSettings, letter: Letter) -> None:
    """Send the letter when the session's transaction is committed; when it is rolled back, the letter was never written."""
    message = compose(settings_in_force(session, settings), letter)
    path = _put_into_outbox(settings.home / OUTBOX, message, letter.at)

    def send() -> None:
        if settings.mail.smtp_url:  # in a thread: the caller's answer, and the time it takes, must not depend on it
            threading.Thread(target=_deliver, args=(settings, message, path), name="letter").start()
        else:
            log.warning("no mail server is set; the letter %s waits in %s", path.name, path.parent)

    afterwards(session, send, undone=lambda: path.unlink(missing_ok=True))


def compose(settings: CatalogueSettings, letter: Letter) -> EmailMessage:
    """Return the letter as a message in both languages."""
    words = {**letter.words, "portal": settings.title}
    host = urlsplit(settings.site_url).hostname or "localhost"
    message = EmailMessage()
    message["From"] = settings.mail.sender or settings.contact or f"phusa@{host}"
    message["To"] = letter.to
    message["Subject"] = _one_line(_texts()[letter.name]["subject"].format(**words))
    message["Date"] = format_datetime(letter.at.replace(tzinfo=UTC))
    message["Message-ID"] = make_msgid(domain=host)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_texts()[letter.name]["text"].format(**words))
    return message


def send(settings: CatalogueSettings, message: EmailMessage) -> None:
    """Hand the message to the mail server of the settings.

    Raises:
        OSError: the server does not answer, or refuses (`smtplib.SMTPException` is one).
    """
    address = urlsplit(settings.mail.smtp_url)
    with _connected(address) as server:
        if address.username:
            server.login(unquote(address.username), settings.mail_password.get_secret_value())
        server.send_message(message)


def _connected(address: SplitResult) -> smtplib.SMTP:
    host, port = address.hostname or "localhost", address.port or PORTS[address.scheme]
    if address.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    if address.scheme == "smtp+starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except OSError:
            server.close()
            raise
    return server


def _deliver(settings: CatalogueSettings, message: EmailMessage, path: Path) -> None:
    try:
        send(settings, message)
    except (OSError, ValueError) as error:  # ValueError: an address that SMTP cannot carry
        log.warning(
            "the letter %s could not be sent (%s); it waits in %s", path.name, type(error).__name__, path.parent
        )
    else:
        path.unlink(missing_ok=True)


def _put_into_outbox(folder: Path, message: EmailMessage, at: datetime) -> Path:
    """Write the message where only this user can read it: it carries a key."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{at:%Y%m%dT%H%M%S}-{os.urandom(4).hex()}.eml"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(bytes(message))
    return path


def _one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def _texts() -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    return texts
