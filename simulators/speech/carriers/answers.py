"""What callers answer: yes, no, that is all, a number, and the last words of a call."""

ANSWERS = """
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
"""
