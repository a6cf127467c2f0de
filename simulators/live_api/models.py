"""What each Live model allows in a setup message, from Google's published model pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Behavior = Literal["BLOCKING", "NON_BLOCKING"]


@dataclass(frozen=True, slots=True)
class Model:
    """The rules of one model. `context_tokens` bounds a session that has no sliding window."""

    id: str
    default_behavior: Behavior
    allowed_behaviors: frozenset[str]
    scheduling: bool
    thinking: Literal["none", "level_required", "level", "budget"]
    proactive_audio: Literal["always", "unsupported", "v1alpha"]
    affective_dialog: Literal["removed", "unsupported", "v1alpha"]
    context_update: bool = False
    reports_status: bool = False
    context_tokens: int = 131_072


_BOTH = frozenset({"BLOCKING", "NON_BLOCKING"})

_LIVE_38 = Model(
    id="gemini-3.8-live",
    default_behavior="NON_BLOCKING",
    allowed_behaviors=_BOTH,
    scheduling=True,
    thinking="none",
    proactive_audio="always",
    affective_dialog="removed",
    context_update=True,
)
_LIVE_38_THINKING = Model(
    id="gemini-3.8-live-extended-thinking",
    default_behavior="NON_BLOCKING",
    allowed_behaviors=frozenset({"NON_BLOCKING"}),
    scheduling=False,
    thinking="level_required",
    proactive_audio="always",
    affective_dialog="removed",
    context_update=True,
    reports_status=True,
)
_FLASH_31 = Model(
    id="gemini-3.1-flash-live-preview",
    default_behavior="BLOCKING",
    allowed_behaviors=frozenset({"BLOCKING"}),
    scheduling=False,
    thinking="level",
    proactive_audio="unsupported",
    affective_dialog="unsupported",
)
_NATIVE_25 = Model(
    id="gemini-2.5-flash-native-audio-preview-12-2025",
    default_behavior="BLOCKING",
    allowed_behaviors=_BOTH,
    scheduling=True,
    thinking="budget",
    proactive_audio="v1alpha",
    affective_dialog="v1alpha",
)

DEVELOPER_MODELS = {model.id: model for model in (_LIVE_38, _LIVE_38_THINKING, _FLASH_31, _NATIVE_25)}
VERTEX_MODELS = {_LIVE_38.id: _LIVE_38, "gemini-live-2.5-flash-native-audio": _NATIVE_25}


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOICES = names(
    "Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba Despina "
    "Erinome Algenib Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird Zubenelgenubi "
    "Vindemiatrix Sadachbia Sadaltager Sulafat"
)
