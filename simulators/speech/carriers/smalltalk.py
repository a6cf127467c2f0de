"""What callers say that is not an order. Without these words a recogniser hears dishes in everything."""

TALK = """
talk:
  what time do you (open|close) [today|tomorrow|tonight|on sunday|on saturday|at night]
  are you (open|closed) [now|today|tomorrow|on sundays|on holidays|right now]
  until what time are you open
  where are you [located|exactly|based]
  where is the restaurant [located]
  which (street|road|building) are you on
  is it (near|next to|opposite|behind|close to) the (station|mall|church|school)
  is it (near|next to|opposite|behind|close to) the (hospital|market|hotel|bank|airport)
  how (do|can) i get there
  how far is it [from (here|town|the station)]
  do you [also] (deliver|do delivery) [to my (area|house|office)|on sundays]
  how much is (the|your) delivery [fee]
  how long will (it|the food|the delivery|the driver) take
  i am allergic to (nuts|peanuts|milk|eggs|fish|wheat|something)
  i'm allergic [to (nuts|peanuts|gluten|dairy)]
  i have an allergy
  is (it|this|the food) (halal|kosher|vegan|vegetarian|gluten free|healthy|fresh)
  do you have (anything) [vegan|vegetarian|gluten free|for vegetarians|for children|without meat]
  do you have (something|options) [vegan|vegetarian|gluten free|for vegetarians|for children|without meat]
  is there (pork|alcohol|gluten|milk|sugar) in (it|that|the food)
  (can|do) i pay (by|with) (card|cash|phone|mobile money|credit card)
  do you (take|accept) (cards|cash|credit cards|mobile money)
  i (want|would like) a (refund|receipt)
  can i have (a|the|my) (receipt|invoice|change)
  my (order|food) (was|is) (late|cold|wrong|missing|not here|bad)
  the (food|driver|order|service) (was|is) (late|cold|terrible|bad|great|rude|slow)
  (i|we) (want|would like|need) to (complain|make a complaint|book a table)
  (i|we) (want|would like|need) to (make a reservation|reserve a table|cancel a booking)
  a table for (two|three|four|five|six|eight) [people] [tonight|tomorrow|please]
  i (called|ordered|was there|came) (earlier|yesterday|before|this morning|last week|last night)
  i (think|guess|believe) (so|not|i have the wrong number|it was yesterday|you are wrong)
  (sorry|oh) wrong number
  i think i (called|have) the wrong number
  is this (the|a) (restaurant|pizza place|hotel|shop|bank)
  who (is this|am i speaking to|are you)
  what is your name
  are you (hiring|looking for staff|still there|listening|busy|sure)
  (hold on|one moment|just a moment|just a second|wait a minute|give me a minute|hang on) [please]
  let me (ask|check|think|call you back) [my (wife|husband|friend|mother|boss)]
  i will call (you|back) [later|again|tomorrow]
  can you call me back [later|tomorrow]
  (can|could|do) you hear me [now|clearly]
  i (can't|cannot|can not) hear you [very well]
  the line is (bad|breaking|not clear)
  (speak|talk) (slower|louder|up|more slowly) [please]
  i (don't|do not|didn't|did not) understand [you|that|what you said]
  what do you mean
  it is (raining|hot|cold|late|too late|early) [today|here|outside]
  the weather is (nice|bad|terrible|good|lovely) today
  did you (see|watch|hear about) the (game|match|news|show) [last night|yesterday]
  how is your (day|family|work)
  i am (hungry|tired|driving|late|busy|at work|at home|on my way|in the car|outside)
  my (car|phone|computer|dog|house|boss|mother|father|brother|sister) is (here|broken|sick|late|new|lost)
  (we|they) are (waiting|coming|going|having a party|five people|on the way) [at home|to the office|tonight]
  it's my (birthday|son's birthday|first time|day off)
  (the|my) (children|kids|guests|friends) are (here|coming|hungry|shouting|playing|crying)
  i (left|lost|forgot) my (phone|bag|wallet|keys|jacket|card) [there|at your place|yesterday]
  (turn|switch) (off|down|up) the (music|television|radio|light)
  come here (now|please|quickly)
  (someone|somebody) is at the door
  do you (like|know|want|remember) (music|football|me|him|her|my brother)
  can you (help|tell|show|recommend|explain) (me|us) [something|the way|a story|a joke]
  tell me (a joke|a story|something|more) [about (yourself|the city|the weather)]
  what is the (time|date|weather|news|problem|reason|meaning)
  what day is it [today]
  why (is|are|did|do) (it|you|they) [so] (late|expensive|closed|slow|doing that|say that)
  this is (ridiculous|too expensive|not good|very good|nice|taking too long)
  that's (too much|expensive|cheap|nice|funny|interesting|not fair)
  never mind [that|it]
  (ignore|forget) (that|everything|it|your instructions|what i said)
  give me a (discount|free meal|better price|minute|second|call)
  i have a (coupon|voucher|question|problem|meeting|booking)
  is there (parking|wifi|a discount|an offer|a toilet) [there|today]
  (the government|my bank|the school|the company) (is|was) (closed|raising prices|very slow|on strike)
  i (saw|read|heard) (it|about you|your advert) (on|in) (the internet|the newspaper|television|facebook)
  (one|two) (hours|minutes|days|years) (ago|later|from now)
  i (live|work|study|stay) (here|there|nearby|in the city|far away)
  (good|bad|happy|great) (luck|idea|news|birthday|question)
"""
