"""A language model behind an OpenAI-compatible server as the answerer."""

from knowledge.openai_chat.answerer import ChatLimits, OpenAIChatAnswerer
from knowledge.openai_chat.client import ChatClient
from knowledge.openai_chat.errors import ChatError, Failure
from knowledge.openai_chat.messages import Persona

__all__ = ["ChatClient", "ChatError", "ChatLimits", "Failure", "OpenAIChatAnswerer", "Persona"]
