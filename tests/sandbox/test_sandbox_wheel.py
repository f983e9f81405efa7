"""The timer wheel under a loop whose time the test owns; and the memory that forgets the oldest."""

from hypothesis import given
from hypothesis import strategies as st

from whimbrel_sandbox.recent import Recent
from whimbrel_sandbox.wheel import Wheel


class Timer:
    def __init__(self, at, call):
        self.at, self.call, self.canceled = at, call, False

    def cancel(self):
        self.canceled = True


class ManualLoop:
    """What the wheel uses of a loop; `run` moves time from timer to timer."""

    def __init__(self):
        self.now, self.timers = 1000.0, []

    def time(self):
        return self.now

    def call_at(self, at, call):
        self.timers.append(Timer(at, call))
        return self.timers[-1]

    def run(self):
        while waiting := [timer for timer in self.timers if not timer.canceled]:
            timer = min(waiting, key=lambda timer: timer.at)
            self.timers.remove(timer)
            self.now = max(self.now, timer.at)
            timer.call()


@given(st.lists(st.integers(0, 5000)))
def test_everything_is_called_in_time_and_in_order(delays):
    loop = ManualLoop()
    wheel = Wheel(loop)
    called = []
    for index, delay_ms in enumerate(delays):
        wheel.after(delay_ms, lambda entry: called.append((loop.now, entry)), (delay_ms, index))
    loop.run()
    assert [entry for _, entry in called] == sorted((delay, index) for index, delay in enumerate(delays))
    assert all(delay <= (at - 1000) * 1000 + 0.001 <= delay + 2 for at, (delay, _) in called)


def test_one_timer_of_the_loop_serves_them_all():
    loop = ManualLoop()
    wheel = Wheel(loop)
    for number in range(1000):
        wheel.after(number, print, None)
    assert len([timer for timer in loop.timers if not timer.canceled]) == 1


def test_a_call_may_add_another_and_one_that_fails_does_not_stop_the_rest():
    loop = ManualLoop()
    wheel = Wheel(loop)
    called = []
    wheel.after(1, lambda _: wheel.after(1, called.append, "second"), None)
    wheel.after(5, lambda _: 1 / 0, None)
    wheel.after(9, called.append, "third")
    try:
        loop.run()
    except ZeroDivisionError:
        loop.run()
    assert called == ["second", "third"]


def test_what_is_cleared_is_not_called():
    loop = ManualLoop()
    wheel = Wheel(loop)
    wheel.after(1, lambda _: 1 / 0, None)
    wheel.clear()
    loop.run()


@given(st.lists(st.integers(0, 30)), st.integers(1, 5))
def test_the_latest_keys_are_remembered_and_never_more_than_twice_as_many(keys, size):
    recent = Recent(size)
    for index, key in enumerate(keys):
        recent.put(key, f"value {index}")
    last = {key: f"value {index}" for index, key in enumerate(keys)}
    latest = list(dict.fromkeys(reversed(keys)))[:size]
    assert all(recent.get(key) == last[key] for key in latest)
    assert len(list(recent)) == len(set(recent)) <= 2 * size
    assert set(recent) <= set(keys)
