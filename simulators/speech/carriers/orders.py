"""What callers order: one or several lines, each a dish with its number, options and exceptions."""

ORDERS = """
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
"""
