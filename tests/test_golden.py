"""The fixture that holds texts against committed files can fail, and rewrites only when asked."""

import pytest


@pytest.fixture
def file(tmp_path):
    return tmp_path / "new" / "golden.txt"


@pytest.fixture
def update(request, monkeypatch):
    return lambda value: monkeypatch.setattr(request.config.option, "update", value)


def test_a_text_that_differs_fails_with_the_difference_and_the_remedy(golden, file, update):
    update(False)
    file.parent.mkdir()
    file.write_text("one\ntwo\n", encoding="utf-8")

    with pytest.raises(pytest.fail.Exception, match=r"(?s)golden\.txt is stale: run `pytest --update`.*-two\n\+three"):
        golden(file, "one\nthree\n")
    assert file.read_text(encoding="utf-8") == "one\ntwo\n"


def test_an_absent_file_fails(golden, file, update):
    update(False)

    with pytest.raises(pytest.fail.Exception, match="stale"):
        golden(file, "one\n")
    assert not file.exists()


def test_update_writes_the_file_and_the_next_run_agrees(golden, file, update):
    update(True)
    golden(file, "α\n")

    update(False)
    golden(file, "α\n")
    assert file.read_bytes() == "α\n".encode()
