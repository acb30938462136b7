from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.domain.face_index import Candidate, FaceIndex
from mien.domain.gallery import Templates
from mien.domain.matching import Embedding
from mien.domain.templates import pack, vectors
from tests.contracts.gallery import SPACE, START, person

NOW = int(START.timestamp())
SIZE = 16


def subject(uid: str, *rows: np.ndarray, space: str = SPACE, **more: object) -> Templates:
    return Templates(uid, space, pack([Embedding(row, space) for row in rows]), **more)  # type: ignore[arg-type]


def unit(rng: np.random.Generator, count: int) -> np.ndarray:
    rows = rng.standard_normal((count, SIZE)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def plain_search(subjects: dict[str, Templates], probe: np.ndarray, limit: int) -> list[tuple[str, float]]:
    """What the index must find, done in the simplest way."""
    scores = {uid: float((vectors(s.packed, SIZE) @ probe).max()) for uid, s in subjects.items()}
    return sorted(scores.items(), key=lambda item: -item[1])[:limit]


def agrees(found: tuple[Candidate, ...], expected: list[tuple[str, float]]) -> bool:
    return [c.uid for c in found] == [uid for uid, _ in expected] and np.allclose(
        [c.cosine for c in found], [cosine for _, cosine in expected], atol=1e-5
    )


def test_an_empty_index_finds_nobody() -> None:
    index = FaceIndex(SPACE, SIZE)
    assert index.nearest(unit(np.random.default_rng(0), 3), 5, NOW) == [(), (), ()]
    assert len(index) == 0


def test_a_subject_is_as_near_as_the_nearest_of_its_faces() -> None:
    rng = np.random.default_rng(1)
    a, b, c = unit(rng, 3)
    index = FaceIndex(SPACE, SIZE)
    index.add([subject("two faces", a, b), subject("one face", c)])
    (found,) = index.nearest(b[None], 5, NOW)
    assert [candidate.uid for candidate in found] == ["two faces", "one face"]
    assert found[0].cosine == pytest.approx(1, abs=0.01)


def test_the_best_of_many_blocks_are_found() -> None:
    rng = np.random.default_rng(2)
    faces = unit(rng, 9000)
    index = FaceIndex(SPACE, SIZE)
    index.add([subject(f"p{n}", *faces[3 * n : 3 * n + 3]) for n in range(3000)])
    for number in (0, 1365, 1366, 2999):
        (found,) = index.nearest(faces[None, 3 * number + 1], 1, NOW)
        assert found[0].uid == f"p{number}"


def test_one_subject_with_many_faces_leaves_room_for_others() -> None:
    rng = np.random.default_rng(3)
    (base,) = unit(rng, 1)
    index = FaceIndex(SPACE, SIZE)
    index.add([subject("twenty", *([base] * 20))])
    index.add([subject(f"p{n}", *unit(rng, 2)) for n in range(100)])
    (found,) = index.nearest(base[None], 3, NOW)
    assert found[0].uid == "twenty"
    assert len({candidate.uid for candidate in found}) == 3


def test_an_expired_subject_is_passed_over() -> None:
    (a,) = unit(np.random.default_rng(4), 1)
    index = FaceIndex(SPACE, SIZE)
    index.add([subject("jane", a, expires_at=START)])
    assert index.nearest(a[None], 1, NOW - 1)[0][0].uid == "jane"
    assert index.nearest(a[None], 1, NOW) == [()]


def test_templates_of_another_space_are_named_and_not_searched() -> None:
    (a,) = unit(np.random.default_rng(5), 1)
    index = FaceIndex(SPACE, SIZE)
    index.add([subject("old", a, space="another@1")])
    assert index.foreign == {"old"}
    assert len(index) == 0
    index.remove(["old"])
    assert index.foreign == set()


def test_a_forgotten_face_leaves_no_trace_in_memory() -> None:
    faces = unit(np.random.default_rng(6), 3)
    index = FaceIndex(SPACE, SIZE)
    index.add([subject(f"p{n}", face) for n, face in enumerate(faces)])
    index.remove(["p1", "nobody"])
    assert np.count_nonzero(index._blocks[0].any(axis=1)) == 2


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.tuples(st.booleans(), st.integers(0, 7), st.integers(1, 4)), max_size=40))
def test_any_history_searches_as_a_plain_list_would(seed: int, history: list[tuple[bool, int, int]]) -> None:
    rng = np.random.default_rng(seed)
    index = FaceIndex(SPACE, SIZE)
    model: dict[str, Templates] = {}
    for put, number, faces in history:
        uid = f"p{number}"
        index.remove([uid])
        model.pop(uid, None)
        if put:
            model[uid] = subject(uid, *unit(rng, faces))
            index.add([model[uid]])
        (probe,) = unit(rng, 1)
        (found,) = index.nearest(probe[None], 3, NOW)
        assert agrees(found, plain_search(model, probe, 3))
        assert len(index) == sum(len(s.packed) // (SIZE + 4) for s in model.values())


@given(st.integers(0, 2**32))
def test_packing_keeps_a_cosine_to_the_second_digit(seed: int) -> None:
    enrolled = person("jane", 2, seed=seed)
    packed = enrolled.templates.packed
    assert len(packed) == 2 * 516
    rng = np.random.default_rng(seed)
    exact = rng.standard_normal((2, 512)).astype(np.float32)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    kept = vectors(pack([Embedding(row, SPACE) for row in exact]), 512)
    assert abs(float(kept[0] @ kept[1]) - float(exact[0] @ exact[1])) < 0.005
    assert np.linalg.norm(kept, axis=1) == pytest.approx(1, abs=0.005)
