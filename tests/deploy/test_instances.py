"""Two homes never share an instance number."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.instances import DEFAULT_HOME, number_claim, number_of, number_release


def _homes(tmp_path: Path, count: int) -> list[Path]:
    homes = [tmp_path / f"home{place}" for place in range(count)]
    for home in homes:
        home.mkdir()
    return homes


def test_the_default_home_is_instance_0_and_others_leave_it_alone(tmp_path: Path):
    (other,) = _homes(tmp_path, 1)
    assert number_claim(other, registry=tmp_path / "numbers") == 1
    assert number_claim(DEFAULT_HOME, registry=tmp_path / "numbers") == 0


def test_a_home_keeps_its_number(tmp_path: Path):
    first, second = _homes(tmp_path, 2)
    registry = tmp_path / "numbers"
    assert [number_claim(home, registry=registry) for home in (first, second, first)] == [1, 2, 1]


def test_fifteen_homes_at_once_get_fifteen_numbers_and_the_next_is_refused(tmp_path: Path):
    registry = tmp_path / "numbers"
    homes = _homes(tmp_path, 16)
    with ThreadPoolExecutor(15) as pool:
        got = list(pool.map(lambda home: number_claim(home, registry=registry), homes[:15]))
    assert sorted(got) == list(range(1, 16))
    with pytest.raises(DeployError, match="All 15 instance numbers are taken"):
        number_claim(homes[15], registry=registry)


def test_a_number_that_another_home_holds_is_refused_with_its_holder(tmp_path: Path):
    first, second = _homes(tmp_path, 2)
    registry = tmp_path / "numbers"
    number_claim(first, 7, registry)
    with pytest.raises(DeployError, match=f"Instance 7 belongs to {first}"):
        number_claim(second, 7, registry)


def test_a_number_whose_home_is_gone_is_free_again(tmp_path: Path):
    first, second = _homes(tmp_path, 2)
    registry = tmp_path / "numbers"
    number_claim(first, 3, registry)
    first.rmdir()
    assert number_claim(second, 3, registry) == 3


def test_asking_for_another_number_gives_back_the_old_one(tmp_path: Path):
    (home,) = _homes(tmp_path, 1)
    registry = tmp_path / "numbers"
    number_claim(home, 3, registry)
    assert number_claim(home, 4, registry) == 4
    assert [path.name for path in registry.iterdir()] == ["4"]


def test_a_released_number_is_nobodys(tmp_path: Path):
    (home,) = _homes(tmp_path, 1)
    registry = tmp_path / "numbers"
    number_claim(home, registry=registry)
    number_release(home, registry)
    assert number_of(home, registry) is None
