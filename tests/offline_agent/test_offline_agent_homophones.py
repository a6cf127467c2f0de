"""Words that sound alike, as a recogniser may write them. Rows and notation as in the table of phrasings."""

import pytest
from test_offline_agent_intents import GRILL, _short

ROWS = """
change the soda two large -> give soda large
change that two three -> set that 3
swap the soda four a water -> swap soda for ? water
add cheese two the burger -> give which extra-cheese
two chilli dips to large passion juices -> give that chilli-dip x2; 2 passion-juice [large]
to cokes -> 2 soda [cola]
too teas -> 2 tea
for samosas -> 4 samosa
won soda -> 1 soda
ate mandazi -> 8 mandazi
make that to -> set that 2
make that for samosas -> swap that for 4 samosa
can i get to chicken burgers and for sodas -> 2 chicken-burger; 4 soda
chicken burger to fries -> 1 chicken-burger; 2 fries
two sodas won fanta and won sprite -> 2 soda (1 orange) (1 lemon)
take off to sodas -> remove soda 2
add cheese to the fries -> give fries extra-cheese
a soda to go -> 1 soda; customer pickup
two sodas for delivery -> 2 soda; customer delivery
tea too -> 1 tea
i would like to order a tea -> 1 tea
change the soda to a large -> give soda large
make that two -> set that 2
"""


@pytest.mark.parametrize("row", ROWS.strip().splitlines())
def test_what_sounds_alike_is_told_by_its_place(row: str) -> None:
    said, meant = row.split(" -> ")
    assert "; ".join(map(_short, GRILL.read(said))) == meant
