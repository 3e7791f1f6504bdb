import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from simgan_lib.config import UserError
from simgan_lib.history import HistoryBuffer


def numbered(first, count):
    """Images whose pixels all hold the image's number, so that each can be told apart."""
    return np.arange(first, first + count, dtype="float32")[:, None, None, None] * np.ones(
        (1, 2, 3, 1), "float32"
    )


def numbers(images):
    images = ops.convert_to_numpy(images)
    assert (images == images[:, :1, :1, :1]).all(), "pixels of different images were mixed"
    return images[:, 0, 0, 0].astype(int).tolist()


def filled(buffer):
    return numbers(buffer.images[: int(buffer.count)])


@settings(max_examples=20, deadline=None)
@given(size=st.integers(2, 12), half=st.integers(1, 6), pushes=st.integers(1, 8))
def test_fills_then_replaces_at_random(size, half, pushes):
    half = min(half, size)
    buffer = HistoryBuffer(size, (2, 3, 1), seed=size + half)
    pushed = 0
    for _ in range(pushes):
        before = filled(buffer)
        buffer.push(numbered(pushed, half))
        pushed += half
        after = filled(buffer)
        # It grows by what fits (the np.append bug: it never grows) ...
        assert len(after) == min(pushed, size)
        # ... holds no image twice, all of the new ones, and as many old ones as have room.
        assert len(set(after)) == len(after)
        assert set(range(pushed - half, pushed)) <= set(after)
        assert len(set(after) & set(before)) == len(after) - half
        drawn = numbers(buffer.sample(half))
        assert len(set(drawn)) == half
        assert set(drawn) <= set(after)


@settings(max_examples=10, deadline=None)
@given(size=st.integers(1, 9), number=st.integers(1, 4), turns=st.integers(1, 5))
def test_mix_gives_the_fresh_images_and_as_many_of_the_past(size, number, turns):
    number = min(number, size)
    buffer = HistoryBuffer(size, (2, 3, 1), seed=size)
    for turn in range(turns):
        held = filled(buffer)
        fresh = list(range(number * turn, number * (turn + 1)))
        mixed = numbers(buffer.mix(numbered(fresh[0], number)))
        assert mixed[:number] == fresh
        assert set(mixed[number:]) <= (set(held) if len(held) >= number else set(fresh))
        assert len(set(mixed[number:])) == number
        assert set(fresh) <= set(filled(buffer))
        assert float(buffer.fraction_filled()) == pytest.approx(len(filled(buffer)) / size)


def test_only_the_filled_part_is_drawn():
    buffer = HistoryBuffer(8, (2, 3, 1))
    buffer.push(numbered(1, 3))
    assert sorted(numbers(buffer.sample(3))) == [1, 2, 3]


def test_size_0_keeps_no_history():
    buffer = HistoryBuffer(0, (2, 3, 1))
    assert numbers(buffer.mix(numbered(5, 3))) == [5, 6, 7]
    assert float(buffer.fraction_filled()) == 0


def test_old_images_fade_slowly_and_every_slot_is_used():
    """With random replacement the past decays geometrically; with a queue it would end at once."""
    buffer = HistoryBuffer(100, (2, 3, 1), seed=3)
    buffer.push(numbered(0, 100))
    for step in range(10):
        buffer.push(numbered(1000 + 10 * step, 10))
    old = [number for number in filled(buffer) if number < 1000]
    assert len(old) == pytest.approx(100 * 0.9**10, abs=15)
    drawn = {number for _ in range(60) for number in numbers(buffer.sample(10))}
    assert len(drawn) > 95


def test_seed_repeats_the_choices_and_samples_vary():
    def draws(seed):
        buffer = HistoryBuffer(50, (2, 3, 1), seed=seed)
        buffer.push(numbered(0, 50))
        return [numbers(buffer.sample(5)) for _ in range(3)]

    assert draws(1) == draws(1) != draws(2)
    assert len({tuple(draw) for draw in draws(1)}) == 3


def test_the_variables_are_all_that_there_is_to_a_buffer():
    one, other = HistoryBuffer(9, (2, 3, 1), seed=1), HistoryBuffer(9, (2, 3, 1), seed=2)
    for first in (0, 4):
        one.mix(numbered(first, 4))
    for variable, saved in zip(other.variables, one.variables, strict=True):
        variable.assign(saved)
    for first in (8, 12, 16):
        assert numbers(one.mix(numbered(first, 4))) == numbers(other.mix(numbered(first, 4)))
    assert filled(one) == filled(other)


def test_too_many_images_are_refused():
    with pytest.raises(UserError, match=r"5.*4.*buffer_size"):
        HistoryBuffer(4, (2, 3, 1)).push(numbered(0, 5))
