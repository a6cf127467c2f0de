"""The kitchen screen in a real browser: carts that become tickets, what is touched, and lines that break."""

from __future__ import annotations

import re

import pytest
from kitchen_browser import Kitchen
from kitchen_world import World
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.integration, pytest.mark.browser]


def cards(page: Page) -> Locator:
    return page.locator("#work > .card")


def card(page: Page, number: int) -> Locator:
    """The ticket of this number, wherever it hangs."""
    return page.locator(".card", has=page.locator(".number", has_text=re.compile(f"^#{number}$")))


def rows(shown: Locator) -> list[str]:
    return shown.locator(".lines p").all_inner_texts()


def touch(shown: Locator, act: str) -> None:
    shown.locator(f"button[data-act='{act}']").first.click()


def test_a_cart_is_shown_while_its_caller_speaks_and_becomes_a_ticket_in_its_place(
    kitchen: Kitchen, world: World, branch: str
) -> None:
    page = kitchen.page()
    expect(page.locator("#nothing")).to_be_visible()
    first, second = world.caller(branch), world.caller(branch)
    first.ask("addItem", name="chicken burger", quantity=2, modifiers=["no-onions", "extra-cheese"])
    expect(cards(page)).to_have_count(1)
    second.ask("addItem", name="samosa", quantity=3)
    expect(cards(page)).to_have_count(2)
    speaking = cards(page).first
    expect(speaking).to_have_class(re.compile("speaking"))
    expect(speaking).to_contain_text("speaking now")
    assert rows(speaking) == ["2 CHK BURGER", "NO ONIONS", "EXTRA CHEESE"]
    assert speaking.evaluate("card => getComputedStyle(card).borderStyle") == "dashed"
    assert speaking.locator(".acts button").count() == 0
    first.ask("addItem", name="chicken burger combo", modifiers=["fries/large", "no-ice"])
    expect(speaking.locator(".lines > li")).to_have_count(2)
    places = [cards(page).nth(each).bounding_box() for each in (0, 1)]
    page.evaluate("window.kept = document.querySelector('#work > .card')")

    number = first.place()["order_number"]

    expect(card(page, number)).to_have_class(re.compile("new"))
    assert page.evaluate("window.kept === document.querySelector('#work > .card')")
    assert [(box["x"], box["y"]) for box in places if box] == [
        (box["x"], box["y"]) for box in (cards(page).nth(each).bounding_box() for each in (0, 1)) if box
    ]
    assert rows(card(page, number))[:5] == ["2 CHK BURGER", "NO ONIONS", "EXTRA CHEESE", "1 CHK COMBO", "FRIES: LARGE"]
    expect(cards(page).nth(1)).to_have_class(re.compile("speaking"))
    second.hang_up()
    expect(cards(page)).to_have_count(1)


def test_a_ticket_that_is_shown_is_received_and_goes_its_way_by_touch(
    kitchen: Kitchen, world: World, branch: str
) -> None:
    page = kitchen.page(has_touch=True)
    number = world.caller(branch).order("fries")["order_number"]
    ticket = card(page, number)
    expect(ticket).to_be_visible()
    wait_for(lambda: world.states(branch) == ["received"], page)
    for button in ticket.locator("button").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
    ticket.locator("button[data-act='accept']", has_text="30").tap()
    expect(ticket.locator("button[data-act='ready']")).to_be_visible()
    expect(ticket.locator(".due")).to_have_text("due in 30 min")
    ticket.locator("button[data-act='ready']").tap()
    expect(page.locator("#ready > .card")).to_have_count(1)
    assert world.states(branch) == ["ready"]
    ticket.locator("button[data-act='recall']").tap()
    expect(cards(page)).to_have_count(1)
    expect(ticket.locator(".due")).to_contain_text("being made")
    ticket.locator("button[data-act='ready']").tap()
    ticket.locator("button[data-act='completed']").tap()
    expect(ticket).to_have_count(0)
    said = world.rows("SELECT state, said_by FROM order_moves ORDER BY at, position")
    told = [(state, by.split(":")[0]) for state, by in said if by.startswith("kitchen:")]
    assert [state for state, _ in told][-7:] == [
        "received", "accepted", "preparing", "ready", "preparing", "ready", "completed",
    ]  # fmt: skip


def test_everything_can_be_said_by_keys(kitchen: Kitchen, world: World, branch: str) -> None:
    page = kitchen.page()
    numbers = [world.caller(branch).order(item)["order_number"] for item in ("fries", "samosa", "bhajia")]
    expect(cards(page)).to_have_count(3)
    page.keyboard.press("2")
    expect(card(page, numbers[1])).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(card(page, numbers[2])).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("a")
    expect(card(page, numbers[1]).locator("button[data-act='ready']")).to_be_visible()
    page.keyboard.press("b")
    expect(page.locator("#ready > .card")).to_have_count(1)
    page.keyboard.press("1")
    page.keyboard.press("r")
    expect(card(page, numbers[0]).locator("button[data-act='closed']")).to_be_visible()
    page.keyboard.press("3")
    expect(card(page, numbers[0])).to_have_count(0)
    card(page, numbers[1]).focus()
    page.keyboard.press("u")
    expect(cards(page)).to_have_count(2)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("recall")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("#stock-search")).to_be_focused()
    states = dict(world.rows("SELECT order_number, state FROM orders WHERE branch_id = %s", branch))
    assert states == {numbers[0]: "rejected", numbers[1]: "preparing", numbers[2]: "received"}
    reasons = world.rows("SELECT reason FROM orders WHERE branch_id = %s AND state = 'rejected'", branch)
    assert reasons == [("closed",)]


def test_age_is_a_colour_and_a_text_and_goes_on_without_a_line(kitchen: Kitchen, world: World, branch: str) -> None:
    page = kitchen.page(clock=True)
    promised, fresh = (world.caller(branch).order(item)["order_number"] for item in ("fries", "samosa"))
    promised_card, fresh_card = card(page, promised), card(page, fresh)
    promised_card.locator("button[data-act='accept']", has_text="10").click()
    expect(promised_card.locator(".due")).to_have_text("due in 10 min")
    expect(fresh_card).to_have_attribute("data-level", "calm")
    expect(fresh_card.locator(".age")).to_have_text("0 min")
    page.context.set_offline(True)
    expect(page.locator("#banner")).to_be_visible()
    page.clock.fast_forward("01:05")
    expect(fresh_card).to_have_attribute("data-level", "soon")
    expect(fresh_card.locator(".age")).to_have_text("1 min")
    expect(promised_card).to_have_attribute("data-level", "calm")
    page.clock.fast_forward("02:00")
    expect(fresh_card).to_have_attribute("data-level", "late")
    image = fresh_card.locator("header").evaluate("head => getComputedStyle(head).backgroundImage")
    assert "gradient" in image  # striped: not by its colour alone
    page.clock.fast_forward("03:00")
    expect(promised_card).to_have_attribute("data-level", "soon")
    expect(promised_card.locator(".age")).to_have_text("6 min")
    page.clock.fast_forward("06:00")
    expect(promised_card).to_have_attribute("data-level", "late")
    expect(promised_card.locator(".due")).to_contain_text("min late")
    page.context.set_offline(False)
    kitchen.live(page)
    expect(fresh_card.locator(".age")).to_have_text("0 min")  # by the server's clock again


def test_what_is_sold_out_is_refused_to_a_caller_who_is_speaking(kitchen: Kitchen, world: World, branch: str) -> None:
    page, other = kitchen.page(), kitchen.page()
    caller = world.caller(branch)
    assert caller.ask("addItem", name="fries")["status"] == "ok"
    page.locator("#stock-open").click()
    page.locator("#stock-search").fill("samo")
    page.locator("#stock-list li[data-entry='samosa'] button[data-lasts='day']").click()
    expect(page.locator("#stock-list li[data-entry='samosa']")).to_contain_text("Sold out until 05:00")
    refused = caller.ask("addItem", name="samosa")
    assert refused["status"] != "ok"
    assert "sold_out" in refused["code"]
    expect(other.locator("#stock-count")).to_have_text("1")
    kitchen.picture(page, "stock")
    page.locator("#stock-list li[data-entry='samosa'] button[data-lasts='in']").click()
    expect(other.locator("#stock-count")).to_be_hidden()
    assert caller.ask("addItem", name="samosa")["status"] == "ok"
    page.locator("#stock-search").fill("NO ONIONS")
    expect(page.locator("#stock-list li[data-kind='option']")).to_have_count(1)


def test_server_that_goes_is_told_and_made_good_without_gap_or_double(
    kitchen: Kitchen, world: World, branch: str
) -> None:
    page = kitchen.page()
    kept = world.caller(branch).order("fries")["order_number"]
    moved = world.caller(branch).order("bhajia")["order_number"]
    speaking = world.caller(branch)
    speaking.ask("addItem", name="samosa")
    expect(cards(page)).to_have_count(3)
    page.evaluate("window.kept = document.querySelector('#work > .card')")
    wait_for(lambda: world.states(branch) == ["received", "received"], page)
    world.stop()
    expect(page.locator("#banner")).to_contain_text("No connection since 12:0")
    expect(page.locator("body")).to_have_class(re.compile("stale"))
    kitchen.picture(page, "lost")
    touch(card(page, kept), "accept")
    expect(card(page, kept).locator(".said")).to_contain_text("Not sent")
    world.run(
        "WITH o AS (UPDATE orders SET state = 'completed' WHERE branch_id = %s AND order_number = %s"
        " RETURNING order_id)"
        " INSERT INTO order_moves (order_id, position, state, at, said_by) SELECT order_id, 9, 'completed', now(), 'k'"
        " FROM o",
        branch, moved,
    )  # fmt: skip
    world.start()
    number = speaking.place()["order_number"]
    kitchen.live(page)
    expect(page.locator("#banner")).to_be_hidden()
    expect(card(page, moved)).to_have_count(0)
    expect(card(page, number)).to_have_count(1)
    assert page.evaluate("window.kept === document.querySelector('#work > .card')")
    assert page.locator(".card .number").all_inner_texts() == [f"#{kept}", f"#{number}"]


def test_tablet_that_loses_its_network_says_so_and_comes_back(kitchen: Kitchen, world: World, branch: str) -> None:
    page = kitchen.page()
    world.caller(branch).order("fries")
    expect(cards(page)).to_have_count(1)
    page.context.set_offline(True)
    expect(page.locator("#banner")).to_contain_text("No connection")
    number = world.caller(branch).order("samosa")["order_number"]
    assert card(page, number).count() == 0
    page.context.set_offline(False)
    expect(card(page, number)).to_be_visible()
    expect(page.locator("#banner")).to_be_hidden()
    expect(cards(page)).to_have_count(2)


def test_two_screens_agree(kitchen: Kitchen, world: World, branch: str) -> None:
    one, two = kitchen.page(), kitchen.page()
    numbers = [world.caller(branch).order(item)["order_number"] for item in ("fries", "samosa")]
    for page in (one, two):
        expect(cards(page)).to_have_count(2)
    touch(card(one, numbers[0]), "accept")
    expect(card(two, numbers[0]).locator("button[data-act='ready']")).to_be_visible()
    touch(card(two, numbers[0]), "ready")
    expect(one.locator("#ready > .card")).to_have_count(1)
    three = kitchen.page()
    expect(three.locator(".card")).to_have_count(2)
    shown = [
        [(each.locator(".number").inner_text(), rows(each)) for each in page.locator(".card").all()]
        for page in (one, two, three)
    ]
    assert shown[0] == shown[1] == shown[2]
    moves = world.rows(
        "SELECT count(*) FROM order_moves m JOIN orders o USING (order_id)"
        " WHERE branch_id = %s AND m.state = 'received'", branch,
    )  # fmt: skip
    assert moves == [(2,)]


def test_only_the_branchs_own_key_opens_its_screen(kitchen: Kitchen, world: World, branch: str) -> None:
    page = kitchen.page(is_open=False)
    for wrong in ("nonsense", world.key("kitchen-0")):
        page.fill("#key", wrong)
        page.press("#key", "Enter")
        expect(page.locator("#refused")).to_have_text("this is not the key of this branch")
    expect(page.locator("#board")).to_be_hidden()
    page.fill("#key", world.key(branch))
    page.press("#key", "Enter")
    kitchen.live(page)
    answers = page.evaluate(
        "Promise.all(['kitchen-0/board', 'kitchen-0/live?after=0', 'kitchen-0/menu']"
        ".map(path => fetch('/kitchen/' + path).then(answer => answer.status)))"
    )
    assert answers == [401, 401, 401]
    page.reload()
    kitchen.live(page)


def test_markup_in_names_and_notes_stays_text(kitchen: Kitchen, world: World, branch: str) -> None:
    hostile = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"
    page = kitchen.page()
    caller = world.caller(branch)
    caller.ask("setCustomer", name="<i>Amina</i>", note=hostile)
    number = caller.order("chicken burger")["order_number"]
    ticket = card(page, number)
    expect(ticket.locator(".note")).to_have_text(hostile)
    expect(ticket.locator(".who")).to_have_text("<i>Amina</i>")
    world.run("UPDATE order_lines SET line = jsonb_set(line, '{printed}', to_jsonb(ARRAY[%s]))"
              " WHERE order_id = (SELECT order_id FROM orders WHERE branch_id = %s)",
              f"1 x {hostile}", branch)  # fmt: skip
    page.reload()
    expect(ticket.locator(".item")).to_contain_text("<b>bold</b>")
    assert page.locator(".card img, .card i, .item b:not(.one)").count() == 0
    assert "owned" not in page.title()


def test_alarm_rings_until_somebody_takes_the_order(kitchen: Kitchen, world: World, branch: str) -> None:
    page = kitchen.page()
    expect(page.locator("#sound")).to_have_text("Sound on")  # typing the key was the first touch
    number = world.caller(branch).order("fries")["order_number"]
    ticket = card(page, number)
    expect(ticket).to_be_visible()
    tones = page.evaluate("window.tones.map(tone => tone.kind)")
    assert tones == ["triangle", "triangle"]
    grow_old(world, branch)
    expect(ticket.locator(".flag")).to_have_text("Nobody has answered this order")
    expect(page.locator("#alarms")).to_have_text(f"Alarm: nobody has answered order {number}")
    wait_for(lambda: page.evaluate("window.tones.filter(tone => tone.kind === 'square').length") >= 4, page)
    kitchen.picture(page, "alarm")
    touch(ticket, "take")
    expect(ticket.locator(".flag")).to_have_text("Looked after by kitchen")
    assert world.rows("SELECT owned_by FROM orders WHERE branch_id = %s", branch) == [("kitchen",)]


def test_screen_without_a_touch_says_that_it_is_silent(kitchen: Kitchen, world: World, branch: str) -> None:
    page = kitchen.page(is_open=False)
    page.evaluate(
        "key => fetch(location.pathname + '/key', {method: 'POST', body: JSON.stringify({key}),"
        " headers: {'content-type': 'application/json', 'x-requested-by': 'kitchen'}})",
        world.key(branch),
    )
    page.reload()
    kitchen.live(page)
    number = world.caller(branch).order("fries")["order_number"]
    expect(card(page, number)).to_be_visible()
    expect(page.locator("#news")).to_have_text(f"New ticket {number}: 1 x FRIES")
    expect(page.locator("#sound")).to_have_text("Sound off: touch")
    assert page.evaluate("window.tones.length") == 0
    page.locator("#sound").click()
    expect(page.locator("#sound")).to_have_text("Sound on")
    page.locator("#help-open").click()
    page.locator("#language").click()
    expect(page.locator("#sound")).to_have_text("Sauti imewashwa")
    expect(page.locator("#stock-open")).to_contain_text("Zimeisha")


def test_caller_who_cancels_stops_the_kitchen(kitchen: Kitchen, world: World, branch: str) -> None:
    page = kitchen.page()
    caller = world.caller(branch)
    number = caller.order("fries")["order_number"]
    ticket = card(page, number)
    touch(ticket, "accept")
    expect(ticket.locator("button[data-act='ready']")).to_be_visible()
    assert caller.ask("cancelOrder")["status"] in ("ok", "ask")
    wait_for(lambda: "cancel_requested" in world.states(branch) or caller.ask("cancelOrder")["status"] == "ok", page)
    expect(ticket.locator(".flag")).to_have_text("Caller cancels: stop making it")
    touch(ticket, "cancel")
    expect(ticket).to_have_count(0)
    assert world.states(branch) == ["cancelled"]


def test_a_busy_board_fits_a_cheap_tablet(kitchen: Kitchen, world: World, branch: str) -> None:
    calls = [
        (["chicken-burger", "fries"], "Amina", None, 14, "preparing", 20),
        (["chicken-burger-combo"], "Otieno", "allergic to nuts: please use clean oil", 11, "accepted", 20),
        (["samosa", "bhajia", "tea"], "Wanjiru", None, 26, "preparing", 20),
        (["half-chicken", "masala-chips"], None, None, 9, "ready", 15),
        (["beef-burger"], "Njeri", None, 0, "placed", None),
        (["family-feast"], "Mary", None, 5, "accepted", 45),
    ]
    for items, name, note, minutes, state, promised in calls:
        caller = world.caller(branch)
        if name:
            caller.ask("setCustomer", name=name, **({"note": note} if note else {}))
        modifiers = {"chicken-burger": ["no-onions", "extra-cheese"], "chicken-burger-combo": ["fries/large", "no-ice"]}
        for item in items:
            caller.ask("addItem", name=item, quantity=2 if item == items[0] else 1, modifiers=modifiers.get(item, []))
        order = caller.place()["order_id"]
        world.run(
            "UPDATE orders SET state = %s, eta_minutes = coalesce(%s, eta_minutes), placed_at = placed_at - %s"
            " * interval '1 minute', eta_at = placed_at + (%s - %s) * interval '1 minute' WHERE order_id = %s",
            state, promised, minutes, promised, minutes, order,
        )  # fmt: skip
    page = kitchen.page()
    speaking = world.caller(branch)
    speaking.ask("addItem", name="beef-burger-combo", modifiers=["no-tomato", "masala-chips/large"])
    speaking.ask("addItem", name="lemonade", quantity=3)
    expect(cards(page)).to_have_count(6)
    expect(page.locator("#work > .speaking .lines > li")).to_have_count(2)
    assert page.locator("#work > .card[data-level='late']").count() == 1
    assert page.locator("#work > .card[data-level='soon']").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    columns = {box["x"] for each in cards(page).all() if (box := each.bounding_box())}
    assert len(columns) == 3
    small = page.evaluate(
        "[...document.querySelectorAll('button')].filter(each => each.offsetParent)"
        ".map(each => [each.textContent, each.getBoundingClientRect()])"
        ".filter(([, box]) => box.width < 44 || box.height < 44).map(([text]) => text)"
    )
    assert small == []
    kitchen.picture(page, "kitchen")


def grow_old(world: World, branch: str) -> None:
    """Nobody has answered the branch's orders for longer than it allows."""
    world.run("UPDATE orders SET placed_at = placed_at - interval '65 minutes' WHERE branch_id = %s", branch)


def wait_for(is_so: object, page: Page) -> None:
    for _ in range(200):
        if is_so():  # type: ignore[operator]
            return
        page.wait_for_timeout(25)
    raise AssertionError("it did not come to be so")
