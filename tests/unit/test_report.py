from bench import report


def test_the_page_of_figures_is_as_measured() -> None:
    assert report.PAGE.read_text(encoding="utf-8") == report.page(), "run `python -m bench.report`"
