"""Questions to any language model: structured replies, retries, a cache, a ledger and a budget.

Importing this does not import litellm; the first call does.
"""

from faultmap_core.llm.calls import Budget, CallRecord, Estimate, Message, Outcome, Price, Purpose, Request
from faultmap_core.llm.client import LanguageModel
from faultmap_core.llm.prompt_library import PromptLibrary, fence
from faultmap_core.llm.store import CallStore

__all__ = [
    "Budget",
    "CallRecord",
    "CallStore",
    "Estimate",
    "LanguageModel",
    "Message",
    "Outcome",
    "Price",
    "PromptLibrary",
    "Purpose",
    "Request",
    "fence",
]
