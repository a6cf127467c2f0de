"""espeak-ng through ctypes: sound, and the phonemes of any word in any of its languages.

The library is one global state machine (current voice, one callback), hence one lock around each use.
"""

import ctypes
import functools
import threading

from simulators.speech.extra import SpeechUnavailable, require

_SYNCHRONOUS_RETRIEVAL = 2
_UTF8 = 1
_IPA = 0x02
_SEPARATOR_SHIFT = 8
_POSITION_CHARACTER = 1
_PARAMETER_RATE = 1
_WORDS_PER_MINUTE_USUAL = 175
_lock = threading.RLock()

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text: str, language: str, words_per_minute: int = _WORDS_PER_MINUTE_USUAL) -> tuple[bytes, int]:
    """(S16LE mono PCM, its rate in Hz)."""
    library, rate = _library()
    pieces: list[bytes] = []

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, count * 2))
        return 0

    callback = _Callback(collect)
    raw = text.encode()
    with _lock:
        _choose(library, language)
        library.espeak_SetParameter(_PARAMETER_RATE, words_per_minute, 0)
        library.espeak_SetSynthCallback(callback)
        library.espeak_Synth(raw, len(raw) + 1, 0, _POSITION_CHARACTER, 0, _UTF8, None, None)
        library.espeak_Synchronize()
    return b"".join(pieces), rate


def phonemes(text: str, language: str) -> list[str]:
    """IPA phonemes of the text's first clause, in order, without stress or length marks."""
    library, _ = _library()
    mode = _IPA | ord("_") << _SEPARATOR_SHIFT
    with _lock:
        _choose(library, language)
        pointer = ctypes.c_char_p(text.encode())
        found = library.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, mode) or b""
    plain = found.decode().replace(" ", "_").translate({ord(mark): None for mark in "ˈˌː‍"})
    return [phoneme for phoneme in plain.split("_") if phoneme]


def _choose(library: ctypes.CDLL, language: str) -> None:
    if library.espeak_SetVoiceByName(language.encode()) != 0:
        raise ValueError(f"espeak-ng has no voice {language!r}")


@functools.cache
def _library() -> tuple[ctypes.CDLL, int]:
    loader = require("espeakng_loader")
    with _lock:
        library = ctypes.CDLL(loader.get_library_path())
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_TextToPhonemes.argtypes = (ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int)
        library.espeak_Synth.argtypes = (
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        )
        rate = library.espeak_Initialize(_SYNCHRONOUS_RETRIEVAL, 0, loader.get_data_path().encode(), 0)
    if rate <= 0:
        raise SpeechUnavailable("espeak-ng did not start: its data folder is missing or of another version")
    return library, int(rate)
