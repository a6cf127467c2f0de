"""What callers say about themselves: name, number, place, and how they get the food."""

CUSTOMERS = """
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
"""
