"""Usage reports on the wire. The Developer API and Vertex name the model's output differently."""

from __future__ import annotations

import msgspec

from services.bridge.session.inputs import UsageReported


class TokenCount(msgspec.Struct, rename="camel"):
    """Tokens of one modality."""

    modality: str | int | None = None
    token_count: int | None = None


class Usage(msgspec.Struct, rename="camel"):
    """``usageMetadata``. What is not there, or null, is zero; integers may come as strings.

    ``cachedContentTokenCount`` is passed over: those tokens are a part of the prompt and cost the same here.
    """

    prompt_token_count: int | None = None
    response_token_count: int | None = None
    candidates_token_count: int | None = None
    total_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    thoughts_token_count: int | None = None
    prompt_tokens_details: list[TokenCount] | None = None
    response_tokens_details: list[TokenCount] | None = None
    candidates_tokens_details: list[TokenCount] | None = None
    tool_use_prompt_tokens_details: list[TokenCount] | None = None


def reported(usage: Usage) -> UsageReported:
    """The report by direction and modality, as it was sent; :class:`~services.bridge.session.usage.UsageMeter` mends
    what does not add up."""
    by_modality: dict[str, int] = {}
    for direction, counts in (
        ("prompt", usage.prompt_tokens_details),
        ("response", usage.response_tokens_details or usage.candidates_tokens_details),
        ("tool_use", usage.tool_use_prompt_tokens_details),
    ):
        for count in counts or ():
            name = f"{direction}_{_word(count.modality)}"
            by_modality[name] = by_modality.get(name, 0) + (count.token_count or 0)
    extras = {"tool_use": usage.tool_use_prompt_token_count or 0, "thoughts": usage.thoughts_token_count or 0}
    extras["tool_use"] -= sum(count for name, count in by_modality.items() if name.startswith("tool_use_"))
    by_modality |= {name: count for name, count in extras.items() if count > 0}
    response = usage.response_token_count or usage.candidates_token_count or 0
    return UsageReported(usage.prompt_token_count or 0, response, usage.total_token_count or 0, by_modality)


def _word(modality: str | int | None) -> str:
    """A modality that is not a plain word (it may be of a newer protocol) is unknown to us."""
    known = isinstance(modality, str) and modality.isascii() and modality.isalpha() and len(modality) <= 20
    return str(modality).lower() if known and modality != "MODALITY_UNSPECIFIED" else "unknown"
