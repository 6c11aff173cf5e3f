"""What the benchmarks say of figures; that they say it fast is measured elsewhere."""

from datetime import UTC, datetime

from tests.bench.report import Section, write
from tests.bench.rows import Budget, Row, not_measured, percentile, row_of

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_ratio_is_ours_over_the_bare_tools_median():
    row = row_of("GET", [300, 500, 400], "/s", against=[1000, 800, 600], budget=Budget(ratio_min=1))
    assert (row.figure, row.against, row.ratio, row.verdict) == (400, 800, 0.5, "MISSED")


def test_every_bound_that_is_given_must_hold():
    budget = Budget(ratio_min=0.5, figure_max=14)
    assert Row("GET", 10, "ms", against=10, budget=budget).verdict == "met"
    assert Row("GET", 15, "ms", against=10, budget=budget).verdict == "MISSED"
    assert Row("GET", 10, "ms", against=30, budget=budget).verdict == "MISSED"


def test_a_figure_without_a_budget_is_only_measured():
    assert row_of("GET", [1], "/s").verdict == "measured"


def test_the_99th_percentile_of_a_hundred_is_the_second_largest():
    assert percentile(list(range(1, 101)), 0.99) == 99


def test_the_page_keeps_what_did_not_run_and_the_history(tmp_path):
    page = tmp_path / "benchmarks.md"
    write(page, [_section("pods", 4.5), _section("idle", 600)])
    write(page, [_section("pods", 4.2)])
    text = page.read_text()
    assert "| figure | 600 s |" in text
    assert "| figure | 4.2 s |" in text
    assert "| figure | 4.5 s |" not in text
    history = [line for line in text.splitlines() if line.startswith("- 2026")]
    assert [line.rpartition(" figure ")[2] for line in history] == ["4.2 s", "4.5 s", "600 s"]


def test_what_was_not_measured_is_said_and_leaves_no_history(tmp_path):
    page = tmp_path / "benchmarks.md"
    write(page, [Section("router", "How.", [not_measured("requests", "no Route")], AT)])
    text = page.read_text()
    assert "- requests: not measured: no Route" in text
    assert "2026-11-23 12:00 router" not in text


def _section(name: str, figure: float) -> Section:
    return Section(name, "How.", [row_of("figure", [figure], "s")], AT)
