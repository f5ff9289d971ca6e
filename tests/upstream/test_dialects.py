"""Every dialect that may be configured for pools is spoken."""

from typing import get_args, get_type_hints

from proxy.config.rules import Choice
from proxy.config.sections import Upstream
from proxy.upstream.aion import AionConversation
from proxy.upstream.dialects import CONVERSATIONS
from proxy.upstream.login import LoginConversation


def test_what_may_be_configured_is_spoken() -> None:
    _, rule = get_args(get_type_hints(Upstream, include_extras=True)["dialect"])
    assert isinstance(rule, Choice)
    assert set(CONVERSATIONS) == set(rule.words)


def test_each_dialect_has_its_own() -> None:
    assert CONVERSATIONS["aion"] is AionConversation
    assert CONVERSATIONS["login"] is LoginConversation
