"""How scripts say who they are: `Authorization: Token …`."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework.exceptions import AuthenticationFailed

from challenge import tokens

_SOUND = re.compile(rb"[a-z0-9_]{20,100}")
"""Other bytes are no token: neither the hash nor the database need see them."""


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]
    """Knox's, which keeps digests; and notes when a token was last used."""

    def authenticate_credentials(self, token: bytes) -> Any:
        """The user and the token.

        Raises:
            AuthenticationFailed: it is none of ours, has ended, or its owner's account is closed.
        """
        refused = AuthenticationFailed(
            "This token is unknown, revoked or has expired. Your profile page makes another."
        )
        if not _SOUND.fullmatch(token):
            raise refused
        try:
            return super().authenticate_credentials(token)
        except AuthenticationFailed:
            raise refused from None

    def validate_user(self, auth_token: Any) -> Any:
        """Called for a token that is right."""
        found = super().validate_user(auth_token)
        tokens.note_use(auth_token)
        return found


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """How the schema describes it."""

    target_class = "challenge.api.authentication.TokenAuthentication"
    name = "tokenAuth"
