"""How people order, and what else they say, with no dish, no option and no restaurant in the sentences.

One rule per block; one alternative per line, a weight in front where it is not 1. `<rule>` is another rule, `[x]` may
be left out, `(x|y)` is a choice. The slots `<item>`, `<items>` (plural), `<option>`, `<options>` and `<part>` (what
an option is about: "onions" of "no onions") are filled from a vocabulary. The ear's language model is made from
sentences drawn from this text. Each file here holds the rules of one thing that callers do; what they all begin
with, and the words that go anywhere, stand below.
"""

from simulators.speech.carriers.answers import ANSWERS
from simulators.speech.carriers.changes import CHANGES
from simulators.speech.carriers.customers import CUSTOMERS
from simulators.speech.carriers.orders import ORDERS
from simulators.speech.carriers.questions import QUESTIONS
from simulators.speech.carriers.smalltalk import TALK

_UTTERANCES = """
utterance:
  30 <order>
  9 <change>
  5 <about-one>
  9 <answer>
  3 <closing>
  3 <question>
  2 <person>
  2 <customer>
  2 <greeting>
  3 <lone>
  3 <talk>
"""

_SMALL_WORDS = """
greeting:
  3 (hello|hi|hey) [there]
  2 good (morning|afternoon|evening)
  (hello|hi) (i'd like|i would like|i want|can i) to (order|place an order|make an order) [please]
  good (morning|afternoon|evening) (i'd like|i would like|i want|can i) to (order|place an order) [please]
  (i'd like|i would like|i want) to (order|place an order|make an order) [please]
  can i (order|place an order|make an order) [please]
  can i order [something|some food]
  hello (can you hear me|is anyone there|are you there)
  how are you
  jambo
  habari

hesitation:
  um
  uh
  er
  okay
  so
  well
  alright
  let me see
  yes
  hmm
  oh
  okay so
  now

politeness:
  5 please
  thanks
  2 thank you
  for me
  if you can
  then

lone:
  4 <item>
  3 <items>
  2 <option>
  the <item>
  the <option> one
  <option> please
  <item> please
  <part>
  a <option> one
  <option> and <option>
"""

CARRIERS = "".join((_UTTERANCES, ORDERS, CHANGES, ANSWERS, QUESTIONS, CUSTOMERS, _SMALL_WORDS, TALK))
