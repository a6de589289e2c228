from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from classroom.io import pages_aiohttp
from classroom.io.pages_aiohttp import HEADERS, INVITED, NAME, PAGES, Pages, policy, protect

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    (folder / "assets").mkdir(parents=True)
    for name in PAGES.values():
        (folder / name).write_text(f"<!doctype html><title>{name}</title>")
    (folder / "assets" / "room-3f2a.js").write_text("export {}")
    (folder / "assets" / "room-3f2a.css").write_text("a{}")
    (folder / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "assets" / "link.js").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
async def client(build: Path) -> AsyncIterator[Client]:
    app = web.Application(middlewares=[protect])
    app.add_routes(Pages(build).routes())
    async with TestClient(TestServer(app)) as found:
        yield found


@pytest.mark.parametrize(("address", "name"), PAGES.items())
async def test_each_page_has_its_address_and_a_strict_policy(client: Client, address: str, name: str) -> None:
    answer = await client.get(address)
    assert answer.status == 200
    assert name in await answer.text()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-cache"


def test_media_of_other_nodes_is_let_through_and_nothing_else_changes() -> None:
    parts = set(policy(("https://a.example", "https://b.example")).split("; "))
    assert parts ^ set(HEADERS["Content-Security-Policy"].split("; ")) == {
        "connect-src 'self'",
        "connect-src 'self' https://a.example https://b.example",
    }


def test_the_channel_is_let_through_here_and_nowhere_else() -> None:
    assert "connect-src 'self' wss://class.example:8443" in policy(here="https://class.example:8443/").split("; ")
    assert "connect-src 'self' ws://127.0.0.1:8080" in policy(here="http://127.0.0.1:8080").split("; ")


async def test_hashed_assets_are_kept_for_ever(client: Client) -> None:
    answer = await client.get("/assets/room-3f2a.js")
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.content_type in ("text/javascript", "application/javascript")
    assert (await client.get("/icon.svg")).content_type == "image/svg+xml"


@pytest.mark.parametrize(
    "address",
    [
        "/assets/nothing.js",
        "/assets/../../secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/secret.txt",
        "/room.html",
        "/assets/link.js",
        "/assets/a%00b.js",
        "/assets/" + "x" * 5000,
        "/assets/",
    ],
)
async def test_nothing_else_can_be_reached(client: Client, address: str) -> None:
    answer = await client.get(address)
    assert answer.status == 404
    assert "secret" not in await answer.text()
    assert "Content-Security-Policy" in answer.headers


async def test_a_new_build_is_served_without_a_restart(client: Client, build: Path) -> None:
    (build / "assets" / "room-77aa.js").write_text("export {}")
    assert (await client.get("/assets/room-77aa.js")).status == 200


async def test_another_file_of_the_same_name_is_served_as_it_is_now(client: Client, build: Path) -> None:
    assert "room.html" in await (await client.get("/room")).text()
    (build / "room.html").write_text("<!doctype html><title>another</title>")
    assert "another" in await (await client.get("/room")).text()
    (build / "room.html").unlink()
    assert (await client.get("/room")).status == 503


async def test_files_travel_compressed_to_whoever_takes_it(client: Client, build: Path) -> None:
    text = "export const words = '云课堂'\n" * 500
    (build / "assets" / "pages-1a2b.js").write_text(text)
    plain = await client.get("/assets/pages-1a2b.js", headers={"Accept-Encoding": "identity"})
    packed = await client.get("/assets/pages-1a2b.js", headers={"Accept-Encoding": "gzip, deflate, br"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 10
    assert await plain.text() == await packed.text() == text
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert plain.headers["ETag"] != packed.headers["ETag"]


async def test_a_page_that_is_known_is_not_sent_again(client: Client, build: Path) -> None:
    first = await client.get("/room")
    again = await client.get("/room", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert "default-src 'none'" in again.headers["Content-Security-Policy"]
    (build / "room.html").write_text("<!doctype html><title>another</title>")
    assert (await client.get("/room", headers={"If-None-Match": first.headers["ETag"]})).status == 200


async def test_head_sends_no_body(client: Client) -> None:
    answer = await client.head("/assets/room-3f2a.js")
    assert (answer.status, answer.headers["Content-Length"], await answer.read()) == (200, "9", b"")


async def test_a_tree_that_was_never_built_says_so(tmp_path: Path) -> None:
    app = web.Application(middlewares=[protect])
    app.add_routes(Pages(tmp_path / "none").routes())
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/room")
        assert answer.status == 503
        assert "make setup" in await answer.text()


@pytest.mark.parametrize(
    ("method", "address", "status", "reason"),
    [("GET", "/nowhere", 404, "no-such-page"), ("DELETE", "/room", 405, "no-such-method")],
)
async def test_a_request_that_strayed_is_told_so(
    client: Client, method: str, address: str, status: int, reason: str
) -> None:
    answer = await client.request(method, address, headers={"Accept-Language": "en"})
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    body = await answer.json()
    assert body["type"] == reason
    assert body["title"].isascii()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Server"] == "classroom"
    assert ("Allow" in answer.headers) == (status == 405)


async def test_a_person_with_a_wrong_address_is_shown_the_way(
    client: Client, build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages_aiohttp, "built", lambda: build)
    answer = await client.get("/nowhere", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status == 404
    assert PAGES["/"] in await answer.text()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_links_card_names_its_picture_by_the_whole_address(build: Path) -> None:
    (build / "join.html").write_text('<meta property="og:image" content="/share.png" />')
    for public_url, named in (
        (None, "/share.png"),
        ("https://class.example.org", "https://class.example.org/share.png"),
    ):
        app = web.Application(middlewares=[protect])
        app.add_routes(Pages(build, public_url).routes())
        async with TestClient(TestServer(app)) as found:
            assert f'content="{named}"' in await (await found.get("/j")).text()


async def test_a_messenger_is_shown_the_lectures_own_title(tmp_path: Path) -> None:
    async def title(lecture: str) -> str | None:
        return '乡村<振兴> & "治理"' if lecture == "l1" else None

    page = '<title>云课堂</title><meta property="og:title" content="云课堂 · 您的课堂邀请" />'
    (tmp_path / "join.html").write_text(page, encoding="utf-8")
    app = web.Application(middlewares=[protect])
    app.add_routes(Pages(tmp_path, title_of=title).routes())
    async with TestClient(TestServer(app)) as client:
        shown = await (await client.get("/j?l=l1")).text()
        named = "乡村&lt;振兴&gt; &amp; &quot;治理&quot;"
        assert f"<title>{named} · 云课堂</title>" in shown
        assert f'content="{named}"' in shown
        for other in ("/j", "/j?l=nothing", "/j?l=" + "x" * 500):
            assert await (await client.get(other)).text() == page


def test_the_page_has_what_a_card_is_made_of() -> None:
    source = (Path(__file__).parents[3] / "web" / "join.html").read_bytes()
    assert b"<title>" + NAME + b"</title>" in source
    assert b'content="' + INVITED + b'"' in source
