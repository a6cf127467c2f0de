"""Names of one menu (or of one item's options), made ready for being looked up."""

from dataclasses import dataclass

from agiza.domain.name_forms import Form, Names, forms_of, looks, rejoined, turned
from agiza.domain.name_likeness import NameLikeness
from agiza.domain.words import Words, named, named_bare, words_of

NEAR_MAX = 8
_CLEAR_LEAD = 0.05


@dataclass(frozen=True, slots=True)
class Match:
    """The answer for one name: `found` when it is certain, else `near`, the ids that it may mean (best first)."""

    found: str | None
    near: tuple[str, ...] = ()


class NameIndex:
    """Made once for a set of names; it never changes. A name that fits is found by a few look-ups; likeness is
    computed only for one that does not."""

    def __init__(self, names: Names) -> None:
        self._ids = frozenset(names)
        self._same: dict[object, tuple[str, ...]] = {}
        for key, spoken in names.items():
            for name in (*spoken, key):
                self._add(("as said", words_of(name)), key)
        forms = list(forms_of(names))
        for form in forms:
            for look in looks(form.words):
                self._add(look, form.key)
        by_key: dict[str, list[Form]] = {}
        for form in forms:
            by_key.setdefault(form.key, []).append(form)
        for form in [new for some in by_key.values() for new in turned(some)]:
            if looks(form.words)[0] not in self._same:  # never what another id is really called
                forms.append(form)
                for look in looks(form.words):
                    self._add(look, form.key)
        self._likeness = NameLikeness(forms)

    def match(self, text: str) -> Match:
        """The id whose names fit `text`. The first way of fitting that fits anything decides: the id itself, the same
        words, the same words in the singular, in any order, with the same letters, then without what it comes in; at
        last what is spelt or sounds alike."""
        if text in self._ids:
            return Match(text)
        plain = words_of(text)
        if not plain:
            return Match(None)
        full, bare = named(text), named_bare(text)
        for look in (("as said", plain), *looks(full), *looks(bare), *rejoined(bare)):
            hits = self._same.get(look)
            if hits is not None:
                return Match(hits[0]) if len(hits) == 1 else Match(None, hits[:NEAR_MAX])
        covered = self._likeness.covered(full) or self._likeness.covered(bare)
        if covered is not None:
            return Match(covered)
        return self._alike((full,) if full == bare else (full, bare))

    def _add(self, look: object, key: str) -> None:
        known = self._same.get(look, ())
        if key not in known:
            self._same[look] = (*known, key)

    def _alike(self, ways: tuple[Words, ...]) -> Match:
        sure: dict[str, float] = {}
        near: dict[str, float] = {}
        for words in ways:
            for likely in self._likeness.likely(words) if words.content else ():
                if likely.certain:
                    sure[likely.key] = max(sure.get(likely.key, 0.0), likely.certain)
                if close := max(likely.certain, likely.close):
                    near[likely.key] = max(near.get(likely.key, 0.0), close)
        ranked = sorted(sure, key=lambda key: -sure[key])
        if ranked and (len(ranked) == 1 or sure[ranked[0]] - sure[ranked[1]] >= _CLEAR_LEAD):
            return Match(ranked[0])
        return Match(None, tuple(sorted(near, key=lambda key: -near[key])[:NEAR_MAX]))
