"""A world in virtual time in which thousands of calls order food while everything around them breaks.

    make simulate CALLS=10000 SEED=17          python -m benchmarks.simulation --calls 10000 --seed 17

What decides is the production code itself: the bridge's call session with its tool ladder, the desk of the orders
service, the call control of the webhook, and the rules of the domain. What surrounds it is made here, small and
hostile: a Redis that loses, doubles, delays and forgets; orders replicas that die between any two steps; bridges that
die, or go on without knowing that they have lost their call; a model that cheats; callers who talk into the read-back,
cough, or hang up.

One seed is one history, whatever the machine: nothing in here reads a clock, and no order of a hash is followed.

    agenda      virtual time                      orders      replicas, transactions, HTTP
    chance      faults and how likely they are    feed        the relay and two POS sinks
    redis       streams and channels              leg         one media leg around a real CallSession
    database    tables, locks, unique keys        mind        the model, honest or not
    line        carrier, webhook, tokens          caller      what a caller wants and how they speak
    books       what really happened, and the invariants that must hold of it
"""
