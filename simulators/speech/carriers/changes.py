"""What callers take back, swap or correct, and what they add about a dish that is ordered already."""

CHANGES = """
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
"""
