"""Which conversation a pool's dialect is held in."""

from proxy.upstream.aion import AionConversation
from proxy.upstream.conversation import Conversation
from proxy.upstream.login import LoginConversation

# By upstream.dialect.
CONVERSATIONS: dict[str, type[Conversation]] = {"aion": AionConversation, "login": LoginConversation}
