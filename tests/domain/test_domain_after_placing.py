"""After the order: what is added, where it is, taking it back."""

import pytest
from domain_scenario import Call, ids

from agiza.domain.cart import OrderCancelRequested
from agiza.domain.ids import OrderId
from agiza.domain.orders import OrderState, OrderView


def placed(**customer: object) -> Call:
    call = Call()
    call.add("full-chicken")
    if customer:
        call.call("setCustomer", customer)
    assert call.place().code == "order_placed"
    call.set(order_id="order-2", order_number=18)
    return call


def view(number: int, state: OrderState, eta: int | None = None) -> OrderView:
    return OrderView(OrderId(f"order-{number - 16}"), number, state, 150_000, "KES", eta)


class TestSupplement:
    def test_a_coke_afterwards_is_an_order_of_its_own(self) -> None:
        call = placed()
        call.add("soda")
        outcome = call.place()
        assert (outcome.code, outcome.detail["order_number"], outcome.detail["supplement_of"]) == (
            "order_placed",
            18,
            "order-1",
        )
        assert call.cart.placed[1].lines[0].item == "soda"
        assert call.cart.placed[1].totals.total_minor == 10_000

    def test_it_needs_a_reading_of_its_own(self) -> None:
        call = placed()
        call.add("soda")
        assert call.tool("placeOrder").code == "not_read_back"

    def test_line_ids_are_never_used_again(self) -> None:
        call = placed()
        call.add("soda")
        assert [line.id for line in call.cart.lines] == ["line-2"]

    def test_it_travels_with_the_delivery_without_a_second_fee(self) -> None:
        call = placed(fulfilment="delivery", address="12 Ring Road")
        call.add("soda")
        outcome = call.place()
        assert (outcome.code, outcome.detail["total_minor"]) == ("order_placed", 10_000)

    def test_after_a_cancelled_delivery_it_stands_alone(self) -> None:
        call = placed(fulfilment="delivery", address="12 Ring Road")
        call.tool("cancelOrder")
        call.add("soda")
        assert call.place().code == "below_delivery_minimum"
        call.add("full-chicken")
        outcome = call.place()
        assert (outcome.detail["total_minor"], "supplement_of" in outcome.detail) == (175_000, False)

    def test_there_is_an_end_to_it(self) -> None:
        call = placed()
        for _ in range(4):
            call.add("water")
            call.place()
        call.add("water")
        outcome = call.place()
        assert (outcome.status, outcome.code) == ("refused", "too_many_orders")


class TestOrderStatus:
    def test_of_this_call(self) -> None:
        outcome = placed().tool("orderStatus")
        assert outcome.message == "Order seventeen has gone to the kitchen and should take about twenty more minutes."
        assert outcome.detail == {"order_id": "order-1", "order_number": 17, "state": "placed", "eta_minutes": 20}
        assert outcome.events == ()

    @pytest.mark.parametrize(
        ("state", "eta", "words"),
        [
            (OrderState.ACCEPTED, 12, "has been accepted by the kitchen and should take about twelve more minutes."),
            (OrderState.PREPARING, None, "is being prepared."),
            (OrderState.READY, 0, "is ready."),
            (OrderState.REJECTED, None, "could not be taken by the kitchen."),
            (OrderState.CANCELLED, 5, "is cancelled."),
        ],
    )
    def test_of_an_earlier_call(self, state: OrderState, eta: int | None, words: str) -> None:
        outcome = Call(orders=(view(17, state, eta),)).tool("orderStatus")
        assert outcome.message == f"Order seventeen {words}"

    @pytest.mark.parametrize("order", [17, 17.0, "17", "order-1"])
    def test_by_its_number(self, order: object) -> None:
        call = Call(orders=(view(17, OrderState.READY), view(18, OrderState.PREPARING)))
        assert call.tool("orderStatus", order=order).detail["order_number"] == 17
        assert call.tool("orderStatus").detail["order_number"] == 18

    def test_refused(self) -> None:
        assert Call().tool("orderStatus").code == "no_order"
        assert Call().tool("orderStatus", order=3).code == "no_order"
        outcome = placed().tool("orderStatus", order=3)
        assert (outcome.status, outcome.code, ids(outcome)) == ("refused", "unknown_order", ["order-1"])
        assert placed().tool("orderStatus", order=True).code == "bad_arguments"
        assert placed().tool("orderStatus", order=-4).code == "bad_quantity"


class TestCancelOrder:
    def test_the_only_order(self) -> None:
        call = placed()
        version = call.cart.version
        outcome = call.tool("cancelOrder")
        assert outcome.events == (OrderCancelRequested(OrderId("order-1"), 17),)
        assert (outcome.status, outcome.code, outcome.detail["state"]) == ("ok", "cancel_requested", "cancel_requested")
        assert call.cart.placed[0].cancel_requested
        assert call.cart.version == version

    @pytest.mark.parametrize(
        "state", [OrderState.PLACED, OrderState.RECEIVED, OrderState.ACCEPTED, OrderState.PREPARING]
    )
    def test_before_it_is_ready(self, state: OrderState) -> None:
        outcome = Call(orders=(view(17, state),)).tool("cancelOrder", order="17")
        assert outcome.code == "cancel_requested"

    @pytest.mark.parametrize("state", [OrderState.READY, OrderState.COMPLETED])
    def test_not_after(self, state: OrderState) -> None:
        outcome = Call(orders=(view(17, state),)).tool("cancelOrder")
        assert (outcome.status, outcome.code, outcome.events) == ("refused", "too_late_to_cancel", ())

    def test_which_of_two_is_asked(self) -> None:
        call = Call(orders=(view(17, OrderState.PLACED), view(18, OrderState.PLACED)))
        outcome = call.tool("cancelOrder")
        assert (outcome.status, outcome.code, ids(outcome)) == ("ask", "unclear_order", ["order-1", "order-2"])
        assert call.tool("cancelOrder", order=18).code == "cancel_requested"

    def test_the_one_that_still_can_be_needs_no_number(self) -> None:
        call = Call(orders=(view(17, OrderState.PREPARING), view(18, OrderState.COMPLETED)))
        assert call.tool("cancelOrder").detail["order_number"] == 17

    def test_refused_without_an_order(self) -> None:
        outcome = Call().tool("cancelOrder")
        assert (outcome.status, outcome.code) == ("refused", "no_order")
        assert placed().tool("cancelOrder", order=99).code == "unknown_order"

    @pytest.mark.parametrize("state", [OrderState.CANCEL_REQUESTED, OrderState.CANCELLED, OrderState.REJECTED])
    def test_quiet_when_it_is_off_already(self, state: OrderState) -> None:
        outcome = Call(orders=(view(17, state),)).tool("cancelOrder")
        assert (outcome.status, outcome.events) == ("ok", ())

    def test_quiet_the_second_time_even_when_the_view_is_late(self) -> None:
        call = placed()
        call.tool("cancelOrder")
        call.set(orders=(view(17, OrderState.ACCEPTED, 9),))
        outcome = call.tool("cancelOrder")
        assert (outcome.code, outcome.events) == ("already_cancelled", ())
        assert call.tool("orderStatus").detail["state"] == "cancel_requested"

    @pytest.mark.parametrize("state", [OrderState.CANCELLED, OrderState.READY])
    def test_what_the_kitchen_made_of_it_is_told(self, state: OrderState) -> None:
        call = placed()
        call.tool("cancelOrder")
        call.set(orders=(view(17, state),))
        assert call.tool("orderStatus").detail["state"] == state
