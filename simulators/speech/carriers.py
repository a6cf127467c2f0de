"""How people order: the sentences around a menu's names, with no dish, no option and no restaurant in them.

One rule per block; one alternative per line, a weight in front where it is not 1. `<rule>` is another rule, `[x]` may
be left out, `(x|y)` is a choice. The slots `<item>`, `<items>` (plural), `<option>`, `<options>` and `<part>` (what
an option is about: "onions" of "no onions") are filled from a vocabulary. The ear's language model is made from
sentences drawn from this text.
"""

CARRIERS = """
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

order:
  8 [<hesitation>] [<opener>] <lines> [<politeness>]
  3 <greeting> [<opener>] <lines> [<politeness>]
  2 <yes> [<opener>] <lines> [<politeness>]
  2 <add> <lines> [<politeness>]
  1 <lines> and that's (all|it)
  1 <lines> and nothing else

opener:
  (i'd|i would) like
  (i'd|i would) like to (order|have|get|add|try)
  (i'd|i would) love
  i want [to order|to have|to get]
  i need
  i'll (have|take|get|try|go with|go for)
  i will (have|take|get)
  i'm going to (have|get|take)
  (can|could|may) i [please] (have|get|order|take|add|try)
  can i also (have|get|add)
  (can|could) we [please] (have|get|do|order|add)
  we'd like
  we'll (have|take)
  we want
  we will have
  (can|could|will|would) you [please] (give|get|bring|send|make) (me|us)
  (can|could) you [please] (add|put in|do)
  (give|get) (me|us)
  let me (have|get|take|order|try)
  let's (have|get|do|go with|start with|try|say)
  make me
  how about
  what about
  maybe
  just
  start with
  to start
  for me
  for my (friend|wife|husband|son|daughter)
  do you have
  send me
  put me down for
  order me
  is it possible to get
  may i please have

add:
  2 add
  please add
  also
  and [also|then]
  plus
  then
  and (add|give me|i'd like|i'll have|i want|can i get|can i have)
  can you [also] add
  i also want
  i'd also like
  i'd like to add
  i want to add
  on top of that
  one more thing
  oh and

lines:
  5 <line>
  5 <line> [and] <line>
  4 <line> <line> [and] <line>
  2 <line> <line> <line> [and] <line>
  1 <line> with <line>
  1 <line> as well
  1 <line> too

line:
  5 <a> <item>
  5 <n> <items>
  5 <a> <option> <item>
  2 <n> <option> <items>
  2 <n> <option> <item>
  2 (a|one) <item> <mods>
  2 <n> <items> <mods>
  3 <n> <items> <split>
  2 some <items>
  1 <item>
  1 <items>
  1 <a> <item> <item>
  2 <n> <options>
  1 (a|an|one) <option>
  1 (a|one) (portion|order|plate|piece|glass|cup|bottle) of <items>
  1 (two|three|four) (portions|orders|plates|pieces|glasses|cups|bottles) of <items>
  1 a couple of <items>
  1 <n> (more|extra) <items>

a:
  10 a
  6 one
  an
  another
  the
  one more
  just one
  just a
  only one

n:
  7 two
  4 three
  3 four
  2 five
  2 six
  seven
  eight
  nine
  2 ten
  eleven
  twelve
  thirteen
  fourteen
  fifteen
  sixteen
  seventeen
  eighteen
  nineteen
  2 twenty
  twenty (one|two|three|four|five|six|seven|eight|nine)
  thirty
  a dozen
  half a dozen
  both

mods:
  4 with <option>
  4 <option>
  2 <option> [and] <option>
  1 <option> <option> and <option>
  1 with <option> and <option>
  1 and <option>
  1 (without|no) <part>
  1 with [extra] <part>
  1 with (a|an|some|one) <option>
  2 with <n> <options>
  1 and <n> <options>
  1 but <option>
  1 but (with|without) <part>
  1 and make it <option>
  1 and no <part>
  1 (hold|leave out|leave off) the <part>
  1 on the side

split:
  3 one with <option>
  2 one <option>
  2 one (without|with no) <part>
  1 one with <part>
  1 one of them (with|without|with no) <part>
  1 one of them [with] <option>
  1 (two|three) of them [with] <option>
  1 both [of them] [with] <option>
  1 all of them [with] <option>
  1 (one|two|three) with <option> and (one|two|three) [with] <option>
  1 one <option> and one <option>
  1 one <option> one <option>
  1 the other [one] [with] <option>

change:
  3 (remove|cancel|drop|delete|scrap|forget|skip|lose) [the|one|one of the] <item>
  2 (remove|cancel|drop|delete|scrap|forget|skip) the <items>
  1 (remove|cancel) <n> <items>
  2 take (off|out|away) (the|one|one of the) (<item>|<items>)
  1 take the (<item>|<items>) (off|out)
  1 (please|can you|could you|i want to|i'd like to) (remove|cancel|drop|take off) [the|one] (<item>|<items>)
  1 i (don't|do not) want [the|a|any] (<item>|<items>) [anymore|any more]
  1 no [<hesitation>] (<item>|<items>)
  2 i (don't|do not) want the (<item>|<items>)
  1 never mind the <item>
  1 without the <item>
  3 [<correction>] make (that|it|them) <n> [<items>]
  2 [<correction>] (make|change) (that|it|the <item>|the <items>) [to] (<n>|<option>|a <option>)
  2 [<correction>] change the (<item>|<items>) (to|for|into) (a|an|<n>) (<item>|<items>)
  1 (swap|replace|switch) the (<item>|<items>) (with|for|to) (a|an|the|<n>) (<item>|<items>)
  1 (<item>|<items>) instead [of <items>|of the <item>|of a <item>]
  1 and give me (<item>|<items>|a <item>) instead
  1 i (said|meant|wanted|asked for|only want|want) <n> [<items>]
  1 i (said|meant|wanted|asked for) (a|the) <item>
  1 i meant <n> not <n>
  1 <n> not <n>
  2 <correction> <n> <items>
  1 <correction> [only|just] (one|two|three|four)
  1 <correction> [only|just] one <item>
  2 <correction> (<lines>|<mods>)
  1 (only|just) (one|the one|two|three) [<item>|of them]
  1 cancel (the|my|that|this) [whole] order
  1 cancel (that|it|everything) [please]
  1 start (over|again)
  1 can (i|we|you) change [that|it] [to] <lines>
  1 i changed my mind
  1 can you put <option> on the <item>
  1 put <option> on the <item>
  1 put <part> on (the <item>|one of them|both|it)

correction:
  4 actually
  2 sorry
  2 no [wait|sorry]
  wait
  no actually
  i mean
  i'm sorry
  oh sorry
  on second thought
  sorry i meant

about-one:
  3 <option> [on|for|in|with] the (<item>|<items>)
  2 [add] <n> <options> [please]
  2 <option> [on|for|in] (it|that|them|both|both of them|all of them|one of them|the first one|the second one)
  2 (the|that) <item> (with|without) <part>
  2 the <item> [with] <option>
  2 make (the|one|one of the|both) (<item>|<items>) <option>
  2 make (it|that|one of them|both [of them]|them [all]) <option>
  1 make one of the <items> (with|without|with no) <part>
  1 (the|that) <item> should be <option>
  1 (the first|the second|the third|the other|one|the last) [one] [should be] (with|without) (<part>|<option>)
  1 (the first|the second|the third|the other|that) one [should be] <option>
  1 (add|put) <option> (to|on) (the <item>|it|that|both|one of them)
  1 <correction> <option>
  2 <option> [please|and <option>]
  1 <option> and <option> [please]
  1 (i'd like|i want|can i have|can i get|make) (it|that|them) <option>
  1 i (don't|do not) want [any] <part> [on it|on that|on the <item>]
  1 (can|could) (i|you) (have|make) (it|that|the <item>) (with|without) <part>
  1 as a <option>

answer:
  8 <yes>
  3 <yes> <yes>
  8 <no>
  3 <yes> (that's|that is|it is) (right|correct|fine|it|good|perfect|okay|all)
  2 <yes> (that's|that is) (all|it|everything)
  5 (that's|that is) (all|it|everything) [thanks|thank you|for now|for today|please]
  5 (that'll be|that will be|that would be) (all|it|everything) [thanks|thank you|for now|for today|please]
  3 no (that's|that is|that'll be|that will be) (all|it|everything|fine) [thanks|thank you]
  3 <no> (that's|that is|it is) (wrong|not right|not correct)
  1 (that's|that is) (wrong|not right|not what i said|incorrect|a mistake)
  4 nothing (else|more) [thanks|thank you|for now]
  3 no nothing else [thanks|thank you]
  2 (no more|not really|i'm good|i'm done|i'm fine|we're good|that's enough) [thanks|thank you]
  3 (that's|that is|it's|it is) (right|correct|fine|good|perfect|okay|great)
  1 (sounds|looks) (good|right|great|fine)
  2 (go ahead|please do|do it|confirm|confirmed|place it|place the order|place my order|go for it)
  1 <yes> (go ahead|please do|place the order|place it|confirm|confirm the order|i confirm)
  1 i'm not sure
  1 (i don't know|you choose|anything|either is fine|it doesn't matter|whatever)
  1 (the first|the second|the third|the last) one [please]
  1 (that one|this one|both|all of them|neither) [please]
  3 <a-number>
  1 none
  1 just that
  1 wait [a minute|a moment]

a-number:
  2 one
  <n>
  <n> please
  just (one|two|three|four)
  just the one

yes:
  8 yes
  3 yes please
  2 yeah
  yep
  yup
  2 sure
  2 okay
  ok
  2 correct
  2 right
  exactly
  of course
  certainly
  definitely
  all right
  alright
  perfect
  great
  absolutely
  uh huh

no:
  8 no
  3 no thanks
  3 no thank you
  2 nope
  nah
  not (really|now|yet|today|at all)
  no no

closing:
  3 (thank you|thanks) [very much|so much|a lot]
  2 (bye|goodbye|bye bye|see you|see you later)
  2 (thank you|thanks) (bye|goodbye)
  have a (good|nice) (day|evening|night|one)
  (okay|great|perfect) (thank you|thanks)

question:
  3 how much is (it|that|the <item>|a <item>|one <item>|everything|the total|my order)
  2 how much (are|for|does) (the <items>|<items>|it cost|that cost|a <item> cost)
  1 how much do i (pay|owe)
  2 what (<items>|is the <item>|comes with the <item>|is in the <item>) [do you have|like]
  2 what [kind of|sort of] (<part>|<items>) do you have
  2 what do you (have|recommend|sell|suggest) [to drink|to eat|for dessert|for kids]
  2 what (burgers|pizzas|drinks|sodas|juices|sides|desserts) do you have
  2 what (sauces|dips|sizes|flavours|meals|combos|dishes|options) do you have
  2 do you have [any] (<items>|<item>|<part>|desserts|drinks|specials|combos|juices|sauces)
  1 do you (sell|serve) (<items>|<item>)
  1 (is|are) (the|there|there any) (<item>|<items>) [available|spicy|big|hot]
  2 what is (the total|my total|in my order|on the menu|that|in it)
  2 what's (the total|my total|in it|on the menu|on it)
  1 what's (in|on) the <item>
  1 what sizes (are there|do you have)
  2 (can|could) you [please] (repeat|say) (that|it|the order|my order|again|that again)
  1 repeat (that|the order|my order) [please]
  1 say (that|it) again [please]
  1 (sorry|pardon|what|excuse me) [what did you say]
  1 what did you say
  1 what have i ordered
  1 what do i have [so far]
  1 read (it|that|my order) back [to me]
  2 (can|may) i (hear|have|get|know) the (total|price|bill|menu)
  1 when will it be ready
  1 how long (will it take|does it take|is the wait)
  1 where is my order
  1 is my order ready
  1 tell me (about the <item>|the price|the total|what you have)
  1 does it come with (<part>|<items>)
  1 does the <item> have <part>
  1 (are there|is there) [any] <part> (in|on) the <item>

person:
  2 (can|could|may) i [please] (speak|talk) (to|with) <someone>
  2 i (want|need|would like) to (speak|talk) (to|with) <someone>
  i'd [like|rather] to (speak|talk) (to|with) <someone>
  (let me|i want to) (speak|talk) (to|with) <someone>
  (is there|i want|i need|get me|give me|connect me to|transfer me to|put me through to|pass me to) <someone>
  is there <someone> i can (talk|speak) to
  (human|agent|operator|manager) please
  are you (a robot|a machine|a computer|human|a real person)
  call <someone>

someone:
  3 a person
  2 someone
  somebody
  a human [being]
  a real (person|human)
  (the|a|your) manager
  (the|your) staff
  an agent
  an operator
  the restaurant
  a staff member
  someone else
  an attendant

customer:
  3 my name is <name>
  2 (it's|this is|i'm|i am|the name is|name is|under|for) <name>
  2 (it's|it is|this is|make it) for (delivery|pickup|collection|take away|takeaway|here)
  3 (delivery|pickup|pick up|take away|takeaway|collection|dine in|eat in|to go) [please]
  2 for (delivery|pickup|pick up|collection|take away)
  1 (i'll|i will|i want to|i'd like to|we'll|i'm going to) (pick it up|collect it|come for it)
  1 (i'll|i will|i want to|i'd like to|we'll|i'm going to) (eat there|eat here|come and pick it)
  1 (i'd like|i want|can i have|can you do) (it|this|that) delivered
  1 can you deliver [it] [to <place>]
  1 (deliver|bring|send) it to <place>
  1 (i live|i am|i'm|we are) (in|on|at|near) <place>
  1 my (number|phone number|address) is
  2 <digits>

place:
  (my|the) (house|office|home|place|hotel|apartment|gate)
  (house|apartment|flat|door|gate|room) number <n>
  <n> <name> (street|road|avenue|lane|drive)
  <name> (road|street|avenue|court|house|plaza|apartments)
  the (first|second|third|fourth|fifth) floor
  town
  (westlands|nairobi|kilimani|lavington|parklands|karen)

digits:
  <digit> <digit> <digit> <digit> <digit> <digit>
  zero seven <digit> <digit> <digit> <digit> <digit> <digit> <digit> <digit>
  double <digit> <digit> <digit> <digit>

digit:
  zero
  oh
  one
  two
  three
  four
  five
  six
  seven
  eight
  nine

name:
  john
  mary
  peter
  james
  david
  grace
  faith
  jane
  paul
  michael
  sarah
  anne
  anna
  joseph
  daniel
  brian
  kevin
  alice
  susan
  lucy
  martin
  george
  esther
  ruth
  samuel
  otieno
  wanjiku
  kamau
  njeri
  achieng
  mwangi
  amina
  hassan
  omar

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
