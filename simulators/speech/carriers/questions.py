"""What callers ask about the menu, the price and their order, and how they ask for a person."""

QUESTIONS = """
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
"""
