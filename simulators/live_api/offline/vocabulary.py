"""The menu's words in the shape that the ears take."""

from simulators.live_api.offline.menu_text import Menu, read_menu
from simulators.live_api.offline.turns import AgentSetup
from simulators.speech.vocabulary import Name, Vocabulary


def vocabulary_of(setup: AgentSetup) -> Vocabulary:
    """The items and options that a caller of this session may name, with all their spoken forms."""
    return menu_vocabulary(read_menu(setup))


def menu_vocabulary(menu: Menu) -> Vocabulary:
    """An option id that stands in several groups is one name with the spoken forms of all of them."""
    spoken: dict[str, dict[str, None]] = {}
    for group in menu.groups.values():
        for option in group.options:
            spoken.setdefault(option.id, {}).update(dict.fromkeys(option.spoken))
    return Vocabulary(
        items=tuple(Name(item.id, item.spoken) for item in menu.items.values()),
        options=tuple(Name(option_id, tuple(names)) for option_id, names in spoken.items()),
        options_of={
            item.id: tuple(dict.fromkeys(option.id for group in menu.groups_of(item.id) for option in group.options))
            for item in menu.items.values()
        },
    )
