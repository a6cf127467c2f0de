"""The words of telephone English that are not on any menu, and a few of Swahili.

Each kind has one line of phrases, separated by commas, written as they come out of `plain_words` (lower case,
numbers as words, no apostrophes). The longest phrase wins, so "no more" is not
"no". Kinds named `act:`, `ask:` and `person:` end up as the intents of that name; the others are the grammar's own.
"""

from collections.abc import Mapping
from typing import Final

from simulators.speech.words import normalise, number_words

_TABLE: Final = """
and = and, plus, also, then, and also, and then, as well as, along with, na, pia
with = with, having, that has, has, that have, but with, comes with, na pia
prep = on, in, for, to, into, from, on to, onto
of = of
of_them = of them, of those, of these, of which, of the two, out of them
that = that, it, them, those, these, this, that one, this one, those ones, the last one, that last one
the = the, my, our, your
all = both, all, each, every, all of them, both of them, each of them, each one, every one, everything,
    all of those, both of those, all three, all four
rest = the other, the other one, the others, the rest, other one, the other ones, the other two, the other
    three, other two, others, the remaining one, the remaining ones
nth = the first, the first one, the second, the second one, the third, the third one, first one, second
    one
more = more, extra
same = another one, another of those, another of them, one more of those, one more of them, the same
    again, same again, one more of the same, another of the same, one more, another one of those, and one
    more
add = add, i want, i would like, id like, i will have, ill have, ill take, i will take, ill get, ill do,
    can i have, can i get, can i also get, can i also have, could i have, could i get, could i also get,
    may i have, let me have, let me get, let me also get, give me, gimme, get me, i need, we need, put in,
    put, we want, we would like, wed like, we will have, well have, well take, can we have, can we get,
    could we have, could we get, can you add, could you add, order, i want to order, i would like to
    order, id like to order, i would love, id love, lets have, lets get, lets do, throw in, include, bring
    me, send me, how about, can you do, and add, also add, i also want, i also need, looking for, i am
    looking for, can i order, could i order, i wanted, i would want, i feel like, im after, i am after, do
    me, nataka, naomba, nipe, ongeza, ningependa
usual = without anything, without anything extra, without anything else, with nothing extra, as it is, as
    is, with everything, the usual, normal, ordinary, standard, regular, plain, the usual way
remove = remove, take off, take out, delete, drop, leave out, leave off, forget, forget about, get rid of,
    i dont want, dont want, i do not want, do not want, dont need, i dont need, i no longer want, dont
    add, skip, lose, cancel, scratch, toa, ondoa, sitaki
neg = without, without the, without any, not, minus, hold the, hold, except, no more, bila
change = change, swap, replace, switch, exchange, substitute, badilisha
make = make, turn, upgrade
be = be, should be, to be, is, are, must be, be with
instead_of = instead of, rather than, in place of
instead = instead
correct = actually, sorry, i mean, i meant, i said, no wait, wait no, oh wait, scratch that, or rather,
    rather, correction, my mistake, my bad, on second thought, on second thoughts, no sorry, sorry no,
    wait, no i said, no i meant, no actually, actually no, wait actually, no scratch that
container = portion of, portions of, order of, orders of, plate of, plates of, cup of, cups of, bottle of,
    bottles of, glass of, glasses of, pack of, packs of, packet of, packets of, box of, boxes of, can of,
    cans of, serving of, servings of, side of, sides of, piece of, pieces of, bowl of, bowls of, basket
    of, baskets of
filler = please, um, uh, er, erm, ah, oh, just, like, well, so, hmm, too, as well, hi there, maybe, i
    think, let me see, lets see, you know, kindly, now, only, can you, could you, will you, would you,
    can, could, should, would, i, me, we, us, you, one of each, tafadhali, nice, really, lovely, quick,
    today, if possible, if you can, for me, for us, for now, on it, on that, on them, to that, to it, in
    it, in that, with that, with it, to my order, to the order, to our order, from my order, from the
    order, in my order, of it, do, did, was, have, got, get, going, go, there, here, some more, any, all
    right then, to start, to start with, first of all, the order, my order, to go with that, with them,
    off, dear, boss, sir, madam, my friend, as well please
act:yes = yes, yeah, yep, yup, ya, sure, correct, thats right, that is right, that is correct, thats
    correct, right, exactly, ok, okay, perfect, sounds good, that sounds good, sounds right, please do, of
    course, confirm, confirmed, i confirm, fine, thats fine, that is fine, good, great, thats good, thats
    great, absolutely, definitely, it is, yes it is, yes that is right, yes thats right, yes please, thats
    perfect, all good, all right, alright, i did, yes i did, you got it, you got that right, thats the
    one, go ahead, yes go ahead, place it, place the order, place my order, please place it, yes place it,
    yes place the order, send it, i would, i do, looks good, very good, cool, uh huh, indeed, ndio, ndiyo,
    sawa, sawa sawa, naam
act:no = no, nope, nah, no thanks, no thank you, not really, i didnt, no i didnt, i did not, not yet,
    hapana
act:wrong = i changed my mind, i have changed my mind, ive changed my mind, i changed my mind about,
    changed my mind, thats not right, that is not right, thats wrong, that is wrong, not right, not
    correct, incorrect, thats not correct, thats not it, wrong, its wrong, it is wrong, thats not what i
    said, the order is wrong, you got it wrong, thats not what i ordered, not quite, thats a mistake
act:done = thats all i need, thats all i want, that is all i need, thats all we need, that would be
    everything, that will be everything, im all set, i am all set, all set, were all set, thats all for
    today, that is all for today, thats the lot, that is the lot, and that is it, and that is all, that
    completes my order, that will be it, thats all, that is all, thats it, that is it, thatll be all, that
    will be all, that would be all, thatd be all, nothing else, nothing more, nothing, im done, i am done,
    were done, we are done, thats everything, that is everything, all done, just that, only that, done,
    thats all for now, thats all for me, that will do, thatll do, i am good, im good, were good, we are
    good, im fine, i am fine, finish, checkout, check out, finish the order, finish my order, complete the
    order, complete my order, finalise the order, finalize the order, thats the order, thats my order,
    that is my order, that should be all, that should be it, that should do it, that does it, thatll be
    it, and thats it, and thats all, ni hayo tu, hiyo tu, hayo tu, basi, no thats all, no thats it, that
    would be it, that completes it, thats me
act:hold = hold on, hang on, one moment, one moment please, one second, a second, just a second, just a
    moment, a moment, wait a moment, wait a minute, one minute, a minute, give me a second, give me a
    minute, give me a moment, let me think, let me check, hold the line, just a minute, wait a second,
    bear with me, ngoja, ngoja kidogo
act:hello = hello, hi, hey, good morning, good afternoon, good evening, good day, is anyone there, anyone
    there, are you there, can you hear me, habari, hujambo, jambo, mambo, hallo, halo
act:thanks = thanks, thank you, thank you very much, thank you so much, thanks a lot, many thanks, cheers,
    asante, asante sana
act:goodbye = bye, goodbye, good bye, bye bye, see you, see you later, have a good day, have a nice day,
    good night, kwaheri, ill call back, i will call back later, ill call back later, never mind, nevermind
act:repeat = pardon, pardon me, say that again, can you say that again, could you say that again, come
    again, i didnt hear you, i did not hear you, what did you say, repeat that, can you repeat that, could
    you repeat that, repeat please, please repeat, excuse me, i didnt catch that, sorry what, what was
    that, i beg your pardon, what
act:status = where is my order, wheres my order, is my order ready, how is my order, hows my order, order
    status, status of my order, the status of my order, whats the status of my order, check my order,
    check on my order, check on an order, is it ready, my order status, track my order, when will my order
    be ready
act:cancel_order = cancel my order, cancel the order, cancel that order, cancel this order, cancel our
    order, cancel the whole order, cancel the whole thing, cancel an order, cancel it all, cancel
    everything, futa oda
act:clear = start over, start again, start from scratch, clear everything, clear the order, clear my
    order, remove everything, delete everything, forget everything, forget it, forget the whole thing,
    empty the cart, drop everything, forget it all, scrap everything, scrap that, lets start over, lets
    start again
act:continue = carry on, continue, keep going, go on, add to it, add something, something else, i have a
    question, i have another question
ask:price = how much is, how much are, how much for, how much does, how much do, how much would, what
    does, what do, whats the price of, what is the price of, the price of, price of, how much, whats the
    cost of, what is the cost of, how expensive is, price for, bei ya, pesa ngapi, ni pesa ngapi, ni
    ngapi, how much is the, how much are the, how much for the
ask:have = do you have, have you got, do you sell, do you serve, is there, are there, got any, have any,
    do you guys have, you have, is it possible to get, do you make, do you offer, do you do, mna, mko na
ask:list = what do you have, what have you got, what kind of, what kinds of, what sort of, what types of,
    which, whats on the menu, what is on the menu, the menu, what can i get, what can i order, what are
    your, what are the, whats there, what do you sell, what do you serve, what is there, what are, menu,
    your menu, what other, what else do you have, what do you recommend, what would you recommend, any
    recommendations, what is good, whats good, which ones, what food do you have, any specials
ask:choices = what sizes, what size, what flavours, what flavors, what comes with, what does it come with,
    what is in, whats in, what options, what choices, which sizes, which flavours, which flavors, what
    extras, what toppings, what sides, what dips, what sauces, what comes in, what can i add, whats on,
    what is on, what comes on
ask:total = whats the total, what is the total, how much is that, how much is it, how much will that be,
    how much will it be, how much altogether, how much is everything, how much in total, whats my total,
    what is my total, how much do i owe, what do i owe, the total, total, how much is it all, how much is
    that all, how much does that come to, how much is the total, how much is my order, whats the total so
    far, how much is that so far, how much would that be, how much is the order, how much is that
    altogether, how much is that in total
ask:cart = what do i have, what have i ordered, repeat my order, repeat the order, read my order, read it
    back, read that back, whats in my order, what is in my order, read back my order, read my order back,
    what is my order, whats my order, what have you got so far, go over my order, what do you have so far,
    what did i order, what do i have so far, read the order, read the order back, read me my order, what
    have i got, what have i got so far, what is my order so far, whats my order so far
ask:time = how long, how long will it take, when will it be ready, how soon, how long does it take, how
    long do i wait, when can i pick it up, when can i collect it, how long is the wait
ask:hours = what time do you close, when do you close, are you open, what time do you open, when do you
    open, opening hours, till what time are you open, how late are you open, are you still open, until
    when are you open
ask:place = where are you, what is your address, whats your address, your location, your address, where is
    the restaurant, how do i get there, where are you located, where is your shop, mko wapi
ask:payment = how can i pay, how do i pay, do you take cards, do you take card, do you accept, can i pay,
    do you take, can i pay with, pay by, can i pay by, do you accept cards, do you accept mpesa, do you
    take mpesa, is it cash, cash or card, can i pay cash, can i pay on delivery
ask:delivery = do you deliver, can you deliver, is there delivery, do you have delivery, do you do
    delivery, how much is delivery, how much is the delivery, delivery fee, what is the delivery fee,
    whats the delivery fee, do you do deliveries, is delivery free, do you offer delivery, the delivery
    fee
ask:other = do you know, what is, whats, why, who, when, where, how do, how is, is it, are they, does it,
    is the, are the, do they, are you, can you tell me, i have a question about, i wonder, tell me about,
    what about
person:asked = speak to a person, talk to a person, speak to someone, talk to someone, speak with someone,
    talk with someone, speak to somebody, talk to somebody, a real person, real person, human, a human, a
    human being, human being, manager, the manager, your manager, a manager, supervisor, staff, your
    staff, operator, the operator, an operator, agent, an agent, customer service, customer care,
    representative, a representative, transfer me, put me through, connect me, someone real, a person, an
    actual person, actual person, somebody else, someone else, speak to a real person, talk to a real
    person, speak to a human, talk to a human, speak to the manager, talk to the manager, talk to a
    manager, speak to a manager, speak to your staff, talk to your staff, can i talk to, can i speak to,
    could i speak to, i want to talk to, i want to speak to, let me speak to, let me talk to, i would like
    to speak to, id like to speak to, i would like to talk to, id like to talk to, not a robot, not a
    machine, someone in the kitchen, someone at the counter, attendant, somebody, someone, nataka kuongea
    na mtu, niongee na mtu, mtu
person:allergy = allergic, allergy, allergies, allergen, allergens, gluten, peanut, peanuts, nuts, nut,
    celiac, coeliac, lactose, diabetic, diabetes, intolerant, intolerance, pregnant, medical, medication,
    anaphylaxis, asthma, ingredients, ingredient, shellfish, allergic to, an allergy, nut allergy,
    allergic reaction, mzio, high blood pressure, cholesterol, safe for
person:payment = refund, a refund, overcharged, charged twice, double charged, charged me twice, money
    back, wrong amount, charged me, charged the wrong amount, i paid, i already paid, i have already paid,
    ive already paid, ive paid, i have paid, my payment, the payment, billed twice, billed me, deducted,
    dispute, wrong price, my money, paid twice, charged too much, my receipt
person:complaint = complain, complaint, a complaint, to complain, wrong order, the wrong order, my last
    order, last order, yesterday, food was, was cold, was missing, were missing, is missing, never
    arrived, never came, not arrived, has not arrived, hasnt arrived, has not come, hasnt come, still
    waiting, been waiting, terrible, disgusting, awful, food poisoning, unhappy, made me sick, got sick,
    undercooked, got the wrong, were cold, the wrong food, wrong food, spilled, spilt, hair in, is cold,
    arrived cold, came cold
person:abuse = fuck, fucking, fuck you, fuck off, shit, bullshit, bitch, idiot, stupid, stupid robot,
    bastard, asshole, shut up, moron, dumb, useless, piece of shit, you are useless, go to hell, screw
    you, mjinga, pumbavu
"""

_ARTICLES: Final = ("a", "an", "some", "another", "a single", "single", "ka")
_COUNT_WORDS: Final = {
    "a couple of": 2,
    "a couple": 2,
    "couple of": 2,
    "couple": 2,
    "a pair of": 2,
    "pair of": 2,
    "half a dozen": 6,
    "half dozen": 6,
    "a half dozen": 6,
    "a dozen": 12,
    "one dozen": 12,
    "dozen": 12,
    "two dozen": 24,
    "once": 1,
    "twice": 2,
}
_SWAHILI_COUNTS: Final = ("moja", "mbili", "tatu", "nne", "tano", "sita", "saba", "nane", "tisa", "kumi")
_COUNTS: Final = {tuple(words.split()): number for words, number in _COUNT_WORDS.items()}
_SMALL_NUMBERS: Final = {number_words(number): number for number in (*range(1, 20), *range(20, 100, 10))}
NUMBER_WORDS: Final = frozenset((*_SMALL_NUMBERS, "zero", "hundred", "thousand", "point", "dozen", "half"))
NUMBER_LENGTH_MAX: Final = 9
"""Words in the longest number that is read as one."""


def plain_words(text: str) -> tuple[str, ...]:
    """The text's words in normal form, without apostrophes: "That's 2" is ("thats", "two")."""
    return tuple(normalise(text).replace("'", "").split())


def _phrases() -> Mapping[tuple[str, ...], str]:
    table: dict[tuple[str, ...], str] = {}
    for line in _TABLE.strip().replace("\n    ", " ").splitlines():
        kind, _, phrases = line.partition(" = ")
        for phrase in phrases.split(","):
            table.setdefault(tuple(phrase.split()), kind)
    return table


def number_of(words: tuple[str, ...]) -> int | None:
    """The number that these words spell, all of them; None when they spell none."""
    if words in _COUNTS:
        return _COUNTS[words]
    if "and" in (words[0], words[-1]):
        return None
    if words[0] == "a" and words[1:2] in (("hundred",), ("thousand",)):
        words = ("one", *words[1:])
    total = group = 0
    for word in (word for word in words if word != "and"):
        if word in _SMALL_NUMBERS:
            group += _SMALL_NUMBERS[word]
        elif word == "hundred":
            group *= 100
        elif word == "thousand":
            total, group = group * 1000, 0
        else:
            return None
    number = total + group
    spelt = tuple(word for word in words if word != "and")
    fits = 0 < number < 1_000_000 and tuple(number_words(number).split()) == spelt
    return number if fits else None


PHRASES: Final[Mapping[tuple[str, ...], str]] = _phrases()
"""Words to the kind of phrase they are."""

ARTICLES: Final[frozenset[tuple[str, ...]]] = frozenset(tuple(words.split()) for words in _ARTICLES)
NUMBERS_AFTER: Final[Mapping[tuple[str, ...], int]] = {
    (word,): number for number, word in enumerate(_SWAHILI_COUNTS, start=1)
}
"""Numbers that stand behind what they count ("chipsi mbili")."""

PHRASE_WORDS_MAX: Final = max(map(len, PHRASES))
