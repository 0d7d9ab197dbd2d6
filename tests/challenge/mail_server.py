"""A real SMTP server on loopback that keeps what it gets, for tests of mails."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Callable
from email.message import EmailMessage
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class MailServer:
    """`with MailServer() as server:` listens; `server.mails` are what it took, oldest first.

    Args:
        answer: called with each mail before it is acknowledged; returns the server's answer, such as `250 OK`.
        refuses: addresses it has never heard of.
    """

    def __init__(
        self,
        port: int | None = None,
        answer: Callable[[EmailMessage], str] = lambda mail: "250 OK",
        refuses: frozenset[str] = frozenset(),
    ) -> None:
        self.port = port or free_port()
        self.mails: list[EmailMessage] = []
        self._answer = answer
        self._refuses = refuses
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Each recipient."""
        if address in self._refuses:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Each mail."""
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        answer = self._answer(mail)
        if answer.startswith("250"):
            self.mails.append(mail)
        return answer

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()
