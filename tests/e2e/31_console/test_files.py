"""How the console's files are served."""
import gzip
import re

import pytest

from lib.http import Api


@pytest.fixture
def nobody(server):
    api = Api(server)
    yield api
    api.close()


def test_the_page_and_its_policy(nobody):
    """open-api 7, console: the page is open to everybody; nothing inline, nothing from elsewhere."""
    page = nobody.request("GET", "/")
    assert page.status == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert "style-src 'self';" in policy and "unsafe" not in policy
    text = page.body.decode()
    assert not re.search(r"<(style|script)>|\son\w+=|\sstyle=|//(?!www\.w3\.org)", text), text


def test_assets(nobody):
    """open-api 7, console: what has a hash in its name is kept for ever, and is compressed for who
    takes that."""
    page = nobody.request("GET", "/").body.decode()
    paths = re.findall(r'"(/assets/[^"]+)"', page)
    assert {path.rsplit(".", 1)[1] for path in paths} == {"js", "css"}
    for path in paths:
        plain = nobody.request("GET", path)
        packed = nobody.request("GET", path, headers={"Accept-Encoding": "br, gzip"})
        assert plain.status == packed.status == 200
        assert "immutable" in plain.headers["Cache-Control"]
        assert plain.headers["Vary"] == "Accept-Encoding"
        assert "Content-Encoding" not in plain.headers
        if "Content-Encoding" in packed.headers:
            assert packed.headers["ETag"] != plain.headers["ETag"]
            assert gzip.decompress(packed.body) == plain.body
        else:
            assert packed.body == plain.body


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_known_already(nobody, encoding):
    """open-api 7, console: 304 for what the browser has."""
    first = nobody.request("GET", "/", headers={"Accept-Encoding": encoding})
    again = nobody.request("GET", "/", headers={"Accept-Encoding": encoding,
                                                "If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_head_and_options(nobody):
    """open-api 7, console: HEAD as GET without a body; OPTIONS names the methods."""
    head, get = nobody.request("HEAD", "/"), nobody.request("GET", "/")
    assert head.status == 200 and head.body == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    options = nobody.request("OPTIONS", "/")
    assert options.status == 204 and options.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/nothing", "/assets/", "/assets/../index.html", "/index.html/x",
                                  "/%2e%2e/etc/passwd", "//"])
def test_nothing_else(nobody, path):
    """open-api 7: what is no file is a problem of 404."""
    answer = nobody.request("GET", path)
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
