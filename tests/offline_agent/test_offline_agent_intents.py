"""What callers say, and what it means. One row per phrasing; the notation of the right side is in `_short`."""

import pytest
from offline_menus import PIZZERIA, setup_of, westlands

from simulators.live_api.offline.intents import (
    Act,
    Add,
    AddWhich,
    Ask,
    Customer,
    Intent,
    Modify,
    More,
    NotOnMenu,
    Number,
    Person,
    Ref,
    Remove,
    Replace,
    SetQuantity,
    TakeOff,
    Unclear,
)
from simulators.live_api.offline.menu_text import read_menu
from simulators.live_api.offline.understand import Understanding

GRILL = Understanding(read_menu(setup_of(westlands())))
PIZZAS = Understanding(read_menu(setup_of(PIZZERIA)))

# Orders of one or more things.
ORDERS = """
a chicken burger -> 1 chicken-burger
Chicken burger! -> 1 chicken-burger
can i get a chicken burger please -> 1 chicken-burger
hello could i have the fish burger -> the 1 fish-burger
i'd like one hamburger -> 1 beef-burger
2 chicken burgers -> 2 chicken-burger
give me two cheese burgers -> 2 cheeseburger
three vegetarian burgers and a tea -> 3 veggie-burger; 1 tea
twenty five mandazi -> 25 mandazi
thirty samosas -> 30 samosa
18,000 samosas -> 18000 samosa
a hundred and fifty samosas -> 150 samosa
a couple of sodas -> 2 soda
a dozen mandazi and half a dozen samosas -> 12 mandazi; 6 samosa
some fries -> 1 fries
fries -> 1 fries
another soda -> 1 soda
two more samosas -> 2 samosa
one more soda please -> 1 soda
a bottle of water -> 1 water
two cups of tea -> 2 tea
a side of coleslaw -> 1 coleslaw
two orders of french fries -> 2 fries
half a chicken -> 1 half-chicken
a quarter of chicken -> 1 quarter-chicken
two half chickens -> 2 half-chicken
whole chicken very hot -> 1 full-chicken [extra-hot]
six wings -> 1 wings-6
six wings hot -> 1 wings-6 [hot]
two six wings -> 2 wings-6
wings hot -> 1 wings-6 [hot]
hot wings -> 1 wings-6 [hot]
twelve chicken wings -> 2 wings-6
eight nuggets -> 1 nuggets-8
eight chicken nuggets -> 1 nuggets-8
two nuggets -> 2 nuggets-8
the tamu special -> the 1 tamu-special
the special with bacon -> 1 tamu-special [bacon]
a milk shake -> which milk shake
a milkshake, the chocolate one -> 1 chocolate-shake
three mandazis -> 3 mandazi
a vanilla milk shake -> 1 vanilla-shake
a chocolate shake large -> 1 chocolate-shake [large]
two kachumbari, one garden salad and a bhajia -> 2 kachumbari; 1 garden-salad; 1 bhajia
chipsi mbili na soda moja -> 2 fries; 1 soda
baga ya kuku bila vitunguu -> 1 chicken-burger [no-onions]
nataka maji -> 1 water
i feel like a brownie and an ice cream -> 1 brownie; 1 ice-cream
onion rings -> 1 onion-rings
"""

OPTIONS = """
a large fries -> 1 fries [large]
fries large -> 1 fries [large]
fries large small soda -> 1 fries [large]; 1 soda [regular]
large orange soda with no ice -> 1 soda [large,orange,no-ice]
a coke -> 1 soda [cola]
a large coke -> 1 soda [large,cola]
two fantas and a sprite -> 2 soda [orange]; 1 soda [lemon]
two ginger sodas -> 2 soda [ginger]
two cokes and a fanta -> 2 soda [cola]; 1 soda [orange]
three cokes, one with no ice -> 3 soda [cola] (1 no-ice)
a chicken burger with no onions -> 1 chicken-burger [no-onions]
a chicken burger without onions -> 1 chicken-burger [no-onions]
a chicken burger hold the onions -> 1 chicken-burger [no-onions]
a chicken burger leave out the mayo -> 1 chicken-burger [no-mayo]
a beef burger with no onions or pickles -> 1 beef-burger [no-onions,no-pickles]
a beef burger no onions and tomato and extra cheese -> 1 beef-burger [no-onions,no-tomato,extra-cheese]
a plain fish burger -> 1 fish-burger [no-sauce]
a double cheeseburger -> 1 cheeseburger [extra-patty]
two double cheeseburgers plain -> 2 cheeseburger [extra-patty,no-sauce]
a beef burger with cheese and bacon -> 1 beef-burger [extra-cheese,bacon]
a beef burger plus cheese -> 1 beef-burger [extra-cheese]
add cheese burger -> 1 cheeseburger
a chicken burger and an extra patty -> 1 chicken-burger [extra-patty]
eight nuggets with two garlic dips -> 1 nuggets-8 [garlic-dip,garlic-dip]
wings and a garlic dip -> 1 wings-6 [garlic-dip]
wings hot with a garlic dip and two bbq dips -> 1 wings-6 [hot,garlic-dip,bbq-dip,bbq-dip]
a chicken wrap with no tomato and hot -> 1 chicken-wrap [no-tomato,hot]
family feast extra spicy with three chilli sauces -> 1 family-feast [extra-hot,chilli-dip,chilli-dip,chilli-dip]
two large lemonades without ice -> 2 lemonade [large,no-ice]
a chicken burger with onions -> 1 chicken-burger
the special with double cheese -> 1 tamu-special [extra-cheese,extra-cheese]
i'll have a burger with bacon -> which burger [bacon]
"""

SHARES = """
two chicken burgers, one with no onions, a large fries, and a soda \
-> 2 chicken-burger (1 no-onions); 1 fries [large]; 1 soda
two beef burgers one with no onions and one with extra cheese -> 2 beef-burger (1 no-onions) (1 extra-cheese)
two beef burgers one plain and the other with bacon -> 2 beef-burger (1 no-sauce) (1 bacon)
three wings two hot and one mild -> 3 wings-6 (2 hot) (1 mild)
three fries, two large and one small -> 3 fries (2 large) (1 small)
two small fries and one large -> 2 fries [small]; 1 fries [large]
two sodas one fanta and one sprite -> 2 soda (1 orange) (1 lemon)
two chicken burgers one normal and one no onions -> 2 chicken-burger (1 no-onions)
two chicken burgers both with extra cheese -> 2 chicken-burger [extra-cheese]
a beef burger and a cheese burger both with no onions -> 1 beef-burger [no-onions]; 1 cheeseburger [no-onions]
a chicken burger and another one with no onions -> 1 chicken-burger; 1 chicken-burger [no-onions]
two burgers, one chicken and one beef -> 1 chicken-burger; 1 beef-burger
a chicken burger and a beef burger, no onions on the chicken burger -> 1 chicken-burger [no-onions]; 1 beef-burger
two wings, one extra hot with garlic dip and one mild with bbq dip \
-> 2 wings-6 (1 extra-hot,garlic-dip) (1 mild,bbq-dip)
a chicken burger with avocado and one without anything extra -> 1 chicken-burger [avocado]; 1 chicken-burger
three chicken wraps please, two of them spicy -> 3 chicken-wrap (2 hot)
two cokes please one of them large -> 2 soda [cola] (1 large)
two large fries, one small fries -> 2 fries [large]; 1 fries [small]
"""

COMBOS = """
a beef burger combo with masala chips and water -> 1 beef-burger-combo [masala-chips,water]
chicken combo masala chips water -> 1 chicken-burger-combo [masala-chips,water]
a chicken burger meal with water and coleslaw -> 1 chicken-burger-combo [water,coleslaw]
a chicken burger combo with a coke -> 1 chicken-burger-combo [soda]
a chicken burger combo with a fanta -> 1 chicken-burger-combo [soda]; missing fanta in the chicken burger combo
a beef burger combo and a soda -> 1 beef-burger-combo; 1 soda
the beef combo with the passion juice -> the 1 beef-burger-combo [fresh-juice]
two chicken combos with water -> 2 chicken-burger-combo [water]
two beef combos, one with water and one with masala chips -> 2 beef-burger-combo (1 water) (1 masala-chips)
a combo with large fries -> which combo [fries]; missing large fries in the combo
a family feast and a beef combo with water instead of the soda -> 1 family-feast; 1 beef-burger-combo [water]
a chicken combo with no onions, masala chips and a passion juice and a soda \
-> 1 chicken-burger-combo [no-onions,masala-chips,fresh-juice]; 1 soda
chicken burger combo with coleslaw instead of fries -> 1 chicken-burger-combo [coleslaw]
a beef burger combo with masala chips and water and a large fries \
-> 1 beef-burger-combo [masala-chips,water]; 1 fries [large]
"""

UNCLEAR_NAMES = """
a burger -> which burger
two burgers -> which burgers
a juice -> which juice
chicken -> which chicken
a combo with water -> which combo [water]
chicken burgers -> ? chicken-burger
a pizza margherita and a soda -> missing pizza margherita; 1 soda
can i have orange juice -> missing orange juice
i want sushi -> missing sushi
it's for my family -> unclear
"""

CHANGES = """
[chicken-burger] make that two -> set that 2
[chicken-burger] make it three chicken burgers -> set chicken-burger 3
[fries] make the fries two -> set fries 2
change that to three -> set that 3
[soda] make it a large -> give that large
[soda] make the soda large -> give soda large
[soda] make one of the sodas large -> give soda large x1
[soda] change the soda to a large -> give soda large
[soda] change the soda to a large one with no ice -> give soda large,no-ice
[soda] change the soda to water -> swap soda for ? water
[fries] swap the fries for masala chips -> swap fries for ? masala-chips
[soda,fries] change the soda to water and the fries to large -> swap soda for ? water; give fries large
i'd like water instead of the soda -> swap soda for ? water
instead of the soda can i have water -> swap soda for 1 water
actually a water instead -> swap that for 1 water
[chicken-burger] make that a combo -> swap that for which combo
make both large -> give that large
make it spicy -> give that hot
[wings-6] can you make the wings hot -> give wings-6 hot
no without ice -> no; give that no-ice
actually no onions on one of them -> give that no-onions x1
one with no onions -> give that no-onions x1
add no onions to the chicken burger -> give chicken-burger no-onions
[chicken-burger] put extra cheese on the chicken burger -> give chicken-burger extra-cheese
no onions or pickles on the beef burger -> give beef-burger no-onions,no-pickles
remove the onions -> give that no-onions
no i meant large -> wrong; give that large
no i said coleslaw -> wrong; 1 coleslaw
another one -> more that 1
the same again -> more that 1
another one with no onions -> more that 1 no-onions
take off the bacon -> off that bacon
take the bacon off the chicken burger -> off chicken-burger bacon
no bacon -> off that bacon
[soda] take off the soda -> remove soda
[soda] take the soda off please -> remove soda
[coleslaw] cancel the coleslaw -> remove coleslaw
[fries] remove one fries -> remove fries 1
[fries] remove all the fries -> remove fries all
[soda,fries] remove the soda and the fries and add a water -> remove soda; remove fries; 1 water
[fries] no fries -> remove fries
i don't want the coleslaw -> remove coleslaw
remove the chicken burger with no onions -> remove chicken-burger
take off the coke -> remove soda
i want to change my order -> wrong
two chicken burgers sorry three chicken burgers -> 3 chicken-burger
two chicken burgers no make that three -> 3 chicken-burger
a soda no a water -> 1 water
i want a chicken burger no wait a beef burger -> 1 beef-burger
a large fries actually small -> 1 fries [small]
a soda make it large and no ice -> 1 soda [large,no-ice]
a soda and a water actually make the soda a large -> 1 soda [large]; 1 water
a soda and a water, remove the soda -> 1 water
three samosas, two, sorry, four -> 4 samosa
with onions please -> off that no-onions
[fries,soda] forget the fries and get me a salad instead -> remove fries; 1 garden-salad
i changed my mind -> wrong
[wings-6] make one of them hot -> give that hot x1
[wings-6] make two hot -> give that hot x2
[chicken-burger] remove the onions from the chicken burger -> give chicken-burger no-onions
[fries,soda] remove one of them -> remove that 1
[soda] change one of the sodas to a fanta -> give soda orange x1
three sodas, make one of them large -> 3 soda (1 large)
a chicken burger combo, change the fries to coleslaw -> 1 chicken-burger-combo [coleslaw]
a soda, change that to a tea -> 1 tea
three teas, remove one tea -> 2 tea
two cokes, another one with no ice -> 2 soda [cola]; 1 soda [no-ice]
a tea, another one -> 2 tea
a tea and a soda, a coffee instead -> 1 tea; 1 coffee
a tea and two sodas, water instead of the sodas -> 1 tea; 1 water
without the bacon -> off that bacon
[soda] without the soda -> remove soda
three burgers, the first with no onions and the second with bacon -> which burgers (1 no-onions) (1 bacon)
i will pick it up in twenty minutes and a soda -> 1 soda; customer pickup
[soda] the soda should be large -> the 1 soda [large]
"""

TALK = """
yes -> yes
Yeah, that's right. -> yes
yes please -> yes
go ahead -> yes
ndio -> yes
yes and a soda -> yes; 1 soda
yes please and can i add a brownie -> yes; 1 brownie
no -> no
no thanks -> no
that's not right -> wrong
no that's wrong -> no; wrong
that's all -> done
no that's all -> done
no thanks that's it -> no; done
nothing else thank you -> done
that will be everything -> done
that'll be all -> done
i'm good -> done
i'd like a tea and that will be all -> 1 tea; done
hold on a second -> hold
wait a minute -> hold
hello -> hello
what did you say -> repeat
sorry? -> repeat
thank you -> thanks
goodbye -> goodbye
where is my order -> status
cancel my order -> cancel_order
start over -> clear
two -> number 2
three please, and a tea -> number 3; 1 tea
okay i'll take two -> yes; number 2
asdf qwer -> unclear
hmm -> unclear
12345 67 -> number 12345
"""

QUESTIONS = """
how much is the chicken burger -> ask price chicken-burger
how much is a large coke -> ask price soda
how much are the fries and the onion rings -> ask price fries,onion-rings
do you have mango juice -> ask have mango-juice
do you have pizza -> ask have
is there any milkshake -> ask have vanilla-shake,chocolate-shake
what drinks do you have -> ask list soda
which burgers do you have -> ask list \
chicken-burger,beef-burger,cheeseburger,veggie-burger,fish-burger,tamu-special
what do you have -> ask list
what comes with the chicken combo -> ask choices chicken-burger-combo
what's the total -> ask total
how much is that -> ask total
what have i ordered so far -> ask cart
do you deliver -> ask delivery
how long will it take -> ask time
how can i pay -> ask payment
are you open -> ask hours
is the chicken halal -> ask other quarter-chicken,half-chicken,full-chicken
"""

PEOPLE = """
can i speak to a person -> person asked
let me talk to the manager please -> person asked
human -> person asked
i'm allergic to peanuts -> person allergy
does it have gluten -> person allergy
i was charged twice -> person payment
i want a refund -> person payment
my food was cold yesterday and i want to complain -> person complaint
you stupid robot -> person abuse
i want a chicken burger but i have a nut allergy -> person allergy
it's for delivery -> customer delivery
pickup please -> customer pickup
i'll pick it up -> customer pickup
it's to go -> customer pickup
a tea for pick up -> 1 tea; customer pickup
deliver it to Mpaka Road house 12 please -> customer delivery|Mpaka Road house 12
deliver to my place -> customer delivery
it's for delivery to 12 Rose Avenue, flat 4 and my name is Jane -> customer delivery|12 Rose Avenue, flat 4|Jane
my name is John Kamau -> customer John Kamau
my number is zero seven one two three four five six seven eight -> customer 0712345678
"""

PIZZA = """
a large margherita -> 1 margherita [large]
a pizza -> which pizza
two pepperoni pizzas one large and one small -> 2 pepperoni (1 large) (1 small)
a family size hawaiian deep dish with mushrooms and olives -> 1 hawaiian [large,thick,mushroom,olives]
spaghetti bolognese and two tiramisu -> 1 spaghetti [bolognese]; 2 tiramisu
pesto pasta -> 1 spaghetti [pesto]
a large pepperoni pizza gluten free -> 1 pepperoni [large,gluten-free]
i have a gluten allergy -> person allergy
a chicken burger -> missing chicken burger
"""

TABLES = (ORDERS, OPTIONS, SHARES, COMBOS, UNCLEAR_NAMES, CHANGES, TALK, QUESTIONS, PEOPLE)
ROWS = [row for table in TABLES for row in table.strip().splitlines()]
PIZZA_ROWS = PIZZA.strip().splitlines()


def test_there_are_enough_phrasings() -> None:
    assert len(ROWS) + len(PIZZA_ROWS) >= 150


@pytest.mark.parametrize("row", ROWS)
def test_a_phrasing_means(row: str) -> None:
    _check(GRILL, row)


@pytest.mark.parametrize("row", PIZZA_ROWS)
def test_a_phrasing_means_on_another_menu(row: str) -> None:
    _check(PIZZAS, row)


def _check(understanding: Understanding, row: str) -> None:
    said, meant = row.split(" -> ")
    ordered: frozenset[str] = frozenset()
    if said.startswith("["):
        items, said = said[1:].split("] ", 1)
        ordered = frozenset(items.split(","))
    assert "; ".join(map(_short, understanding.read(said, ordered))) == meant.strip()


def _short(intent: Intent) -> str:
    match intent:
        case Add() | AddWhich():
            count = "" if isinstance(intent, AddWhich) else f"{intent.quantity or '?'} "
            the = "the " if isinstance(intent, Add) and intent.definite else ""
            name = intent.item if isinstance(intent, Add) else f"which {intent.heard}"
            options = f" [{','.join(intent.options)}]" if intent.options else ""
            shares = "".join(f" ({share.quantity} {','.join(share.options)})" for share in intent.shares)
            return f"{the}{count}{name}{options}{shares}"
        case Modify():
            units = f" x{intent.quantity}" if intent.quantity else ""
            return f"give {_ref(intent.ref)} {_wishes(intent.wishes)}{units}"
        case TakeOff():
            return f"off {_ref(intent.ref)} {_wishes(intent.wishes)}"
        case Remove():
            how_many = " all" if intent.every else f" {intent.quantity}" if intent.quantity else ""
            return f"remove {_ref(intent.ref)}{how_many}"
        case SetQuantity():
            return f"set {_ref(intent.ref)} {intent.quantity}"
        case More():
            return f"more {_ref(intent.ref)} {intent.quantity} {_wishes(intent.wishes)}".strip()
        case Replace():
            return f"swap {_ref(intent.ref)} for {_short(intent.new)}"
        case NotOnMenu():
            return f"missing {intent.words}"
        case Number():
            return f"number {intent.number}"
        case Ask():
            return f"ask {intent.about} {','.join(intent.items)}".strip()
        case Customer():
            said = (intent.fulfilment, intent.address, intent.name, intent.phone)
            return f"customer {'|'.join(part for part in said if part)}"
        case Person():
            return f"person {intent.reason}"
        case Act():
            return intent.kind
        case Unclear():
            return "unclear"


def _ref(ref: Ref) -> str:
    return ref.item or ("which" if ref.candidates else "that")


def _wishes(wishes: tuple[tuple[str, ...], ...]) -> str:
    return ",".join(wish[0] for wish in wishes)
