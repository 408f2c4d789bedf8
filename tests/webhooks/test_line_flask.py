"""The line's Flask: what it remembers of routes changes no answer."""

import pytest

from webhooks.line_flask import Document, LineFlask


@pytest.fixture
def line():
    app = LineFlask("line", static_folder=None)

    @app.post("/turn/<int:number>")
    def turn(number):
        return Document(f"{number}")

    @app.get("/folder/")
    def folder():
        return Document("folder")

    return app


def test_a_route_that_is_remembered_gets_each_call_its_own_number(line):
    client = line.test_client()
    asked = [1, 2, 1, 2, 1]
    assert [client.post(f"/turn/{number}").text for number in asked] == ["1", "2", "1", "2", "1"]


def test_a_remembered_path_asked_for_in_another_way_is_refused_as_before(line):
    client = line.test_client()
    assert client.post("/turn/1").status_code == 200
    refused = client.get("/turn/1")
    assert (refused.status_code, sorted(refused.allow)) == (405, ["OPTIONS", "POST"])
    assert sorted(client.options("/turn/1").allow) == ["OPTIONS", "POST"]


def test_what_has_no_route_or_is_sent_elsewhere_is_so_every_time(line):
    client = line.test_client()
    assert [client.post("/turn/one").status_code for _ in range(2)] == [404, 404]
    sent_to = [client.get(f"/folder?a={number}").headers["Location"] for number in (1, 2)]
    assert [address.partition("/folder")[2] for address in sent_to] == ["/?a=1", "/?a=2"]


def test_whoever_asks_for_many_paths_makes_nothing_grow(line):
    client = line.test_client()
    for number in range(1, 600):
        assert client.post(f"/turn/{number}").text == f"{number}"
    assert client.post(f"/turn/{'0' * 80}7").text == "7"
    assert len(line._known) <= 256
    assert all(len(path) <= 64 for _, path in line._known)
    assert client.post("/turn/1").text == "1"


def test_what_is_registered_for_the_end_of_a_request_is_still_called(line):
    ended = []
    line.teardown_request(ended.append)
    line.test_client().post("/turn/1")
    assert ended == [None]
