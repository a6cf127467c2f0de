"""What a recogniser needs to know a vocabulary: a dictionary and a language model, as files.

They are computed once per vocabulary and process, in a process of their own (some seconds of pure Python would make an
audio loop stutter), into a folder that goes away with the process.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from collections import OrderedDict
from dataclasses import asdict, replace
from pathlib import Path

from simulators.speech.extra import SpeechUnavailable, require
from simulators.speech.lm import write_trigram
from simulators.speech.phrases import PhraseBook
from simulators.speech.pronounce import dictionary, write_dictionary
from simulators.speech.vocabulary import Name, Vocabulary

_SENTENCES = 30_000
_SEED = 1
_KEPT_MAX = 8
_BUILD_S_MAX = 120
_DICTIONARY, _LANGUAGE_MODEL = "words.dict", "trigram.arpa"


class Models:
    """The files of one vocabulary; deleted when nobody holds this object any more."""

    def __init__(self, folder: Path) -> None:
        self.dictionary = folder / _DICTIONARY
        self.language_model = folder / _LANGUAGE_MODEL
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)


_kept: OrderedDict[str, Models] = OrderedDict()
_lock = threading.Lock()


def models_for(vocabulary: Vocabulary) -> Models:
    """Blocks for some seconds the first time; callers of the same vocabulary share one result."""
    require("pocketsphinx")
    # A mapping from outside need not be a dict; asdict would copy it as it is.
    document = asdict(replace(vocabulary, options_of=dict(vocabulary.options_of)))
    key = json.dumps(document, sort_keys=True)
    with _lock:
        if key not in _kept:
            _kept[key] = _build(key)
        _kept.move_to_end(key)
        while len(_kept) > _KEPT_MAX:
            _kept.popitem(last=False)
        return _kept[key]


def _build(key: str) -> Models:
    folder = Path(tempfile.mkdtemp(prefix="speech-models-"))
    models = Models(folder)
    command = [sys.executable, "-m", "simulators.speech.models", str(folder)]
    done = subprocess.run(command, input=key.encode(), capture_output=True, timeout=_BUILD_S_MAX, check=False)
    if done.returncode:
        raise SpeechUnavailable(f"no language model for this menu: {done.stderr.decode()[-300:].strip()}")
    return models


def write_models(vocabulary: Vocabulary, folder: Path) -> None:
    """The two files, the same ones for the same vocabulary."""
    book = PhraseBook(vocabulary)
    write_dictionary(dictionary(book.words), folder / _DICTIONARY)
    write_trigram(book.sentences(_SENTENCES, seed=_SEED), folder / _LANGUAGE_MODEL)


def main() -> None:
    document = json.load(sys.stdin)
    items, options = (
        tuple(Name(name["id"], tuple(name["spoken"])) for name in document[kind]) for kind in ("items", "options")
    )
    write_models(Vocabulary(items, options, document["options_of"]), Path(sys.argv[1]))


if __name__ == "__main__":
    main()
