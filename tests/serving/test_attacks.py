"""What strangers, web pages and broken programs send over bare sockets: refused, and the server stays well."""

import logging
import socket
import time
from contextlib import ExitStack

import pytest

from tests.serving.asking import ADDRESS, answers, connected, raw, read_answers, received, send, server_threads, until
from tr_desktop.serving import gate
from tr_desktop.serving import server as serving

BODY = '{"query":"blue"}'
# Requests have places: {H} is for the server's name, {A} for a token that counts, {J}, {L} and {B} for a body.
LINES = {"J": "Content-Type: application/json\r\n", "L": f"Content-Length: {len(BODY)}\r\n", "B": BODY}
SECURITY = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
def filled(server, client):
    """Fills a request's places."""

    def fill(request: str) -> str:
        places = {
            "P": str(server.port),
            "T": client.token,
            "H": f"Host: 127.0.0.1:{server.port}\r\n",
            "A": f"Authorization: Bearer {client.token}\r\n",
            **LINES,
        }
        for name, value in places.items():
            request = request.replace(f"{{{name}}}", value)
        return request

    return fill


def well(server) -> bool:
    given = raw(server.port, f"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n")
    return given.status == 200 and given.json == {"name": "TimeRefine", "api": 1}


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET /v1/health HTTP/1.1\r\n{H}\r\n", 200),
        ("GET /v1/health HTTP/1.1\r\nHost: localhost:{P}\r\n\r\n", 200),
        ("GET /v1/health HTTP/1.1\r\nHost: LOCALHOST:{P}\r\n\r\n", 200),
        ("GET /v1/health HTTP/1.0\r\n{H}\r\n", 200),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}{L}\r\n{B}", 202),
        ("POST /v1/searches HTTP/1.1\r\n{H}AUTHORIZATION: bearer {T}\r\n{J}{L}\r\n{B}", 202),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}Content-Type: Application/JSON; charset=utf-8\r\n{L}\r\n{B}", 202),
        ("GET /v1/coverage HTTP/1.1\r\n{H}{A}Sec-Fetch-Site: none\r\n\r\n", 200),
    ],
)
def test_what_plugins_send_is_answered(server, filled, request_text, status):
    assert raw(server.port, filled(request_text)).status == status


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{P}",
        "127.0.0.1:{P}.evil.example",
        "127.0.0.1.evil.example:{P}",
        "localhost.evil.example:{P}",
        "localhost.:{P}",
        "127.0.0.1.:{P}",
        "127.0.0.1:1",
        "127.0.0.1",
        "localhost",
        "127.1:{P}",
        "2130706433:{P}",
        "0.0.0.0:{P}",
        "[::1]:{P}",
        "127.0.0.2:{P}",
        "user@127.0.0.1:{P}",
        "127.0.0.1:{P}, 127.0.0.1:{P}",
        "127.0.0.1:{P} ",
        "",
    ],
)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_foreign_name_is_refused(server, filled, host, version):
    given = raw(server.port, filled(f"GET /v1/health HTTP/{version}\r\nHost: {host}\r\n\r\n"))
    if host.endswith(" "):  # spaces around a value don't count
        assert given.status == 200
    else:
        assert given.status in (400, 403) and given.error


@pytest.mark.parametrize(
    "request_text",
    [
        "GET /v1/health HTTP/1.1\r\n\r\n",
        "GET /v1/health HTTP/1.0\r\n\r\n",
        "GET /v1/health HTTP/1.1\r\n{H}Host: evil.example\r\n\r\n",
        "GET /v1/health HTTP/1.1\r\n{H}{H}\r\n",
        "GET /v1/health HTTP/1.0\r\n{H}{H}\r\n",
        "GET /v1/health HTTP/1.1\r\nHost: evil\r\n 127.0.0.1:{P}\r\n\r\n",
        "GET /v1/health HTTP/1.1\r\nX-Forwarded-Host: 127.0.0.1:{P}\r\nHost: evil.example\r\n\r\n",
    ],
)
def test_no_name_or_two_are_refused(server, filled, request_text):
    given = raw(server.port, filled(request_text))
    assert given.status in (400, 403) and given.error


@pytest.mark.parametrize(
    "header",
    [
        "Origin: null",
        "Origin: http://evil.example",
        "Origin: http://127.0.0.1:{P}",
        "ORIGIN: ",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site",
        "sec-fetch-site: None",
    ],
)
@pytest.mark.parametrize(
    "request_text",
    [
        "GET /v1/health HTTP/1.1\r\n{H}{X}\r\n\r\n",
        "GET /v1/coverage HTTP/1.1\r\n{H}{A}{X}\r\n\r\n",
        "POST /v1/searches HTTP/1.1\r\n{H}{A}{J}{L}{X}\r\n\r\n{B}",
        'POST /v1/pairings HTTP/1.1\r\n{H}{J}Content-Length: 24\r\n{X}\r\n\r\n{"code":"a","name":"bc"}',
        "OPTIONS /v1/searches HTTP/1.1\r\n{H}Access-Control-Request-Method: POST\r\n{X}\r\n\r\n",
    ],
)
def test_web_pages_are_refused_everywhere(server, filled, request_text, header):
    given = raw(server.port, filled(request_text.replace("{X}", header)))
    assert given.status == 403 and given.error == "Web pages are refused"
    assert not any(name.startswith("access-control") for name in given.headers)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: Bearer x\r\n",
        "Authorization: Bearer ü\r\n",
        "Authorization: Bearer {T}x\r\n",
        "Authorization: Bearer  {T}\r\n",
        "Authorization: Basic {T}\r\n",
        "Authorization: {T}\r\n",
        "{A}{A}",
        "{A}Authorization: Bearer x\r\n",
        "Authorization: Bearer {T}, Bearer {T}\r\n",
        "X-Authorization: Bearer {T}\r\n",
        "Cookie: token={T}\r\n",
    ],
)
def test_without_its_own_token_nobody_searches(server, filled, authorization):
    given = raw(server.port, filled(f"POST /v1/searches HTTP/1.1\r\n{{H}}{authorization}{{J}}{{L}}\r\n{{B}}"))
    assert given.status == 401 and given.error


@pytest.mark.parametrize(
    "target",
    [
        "/v1/coverage?token={T}",
        "/v1/coverage?access_token={T}",
        "/v1/openapi.json",
        "/v1/selects",
        "/v1/moments/0123456789abcdef",
        "/v1/health/",
        "/v1/health/../coverage",
        "/v1//health",
        "//v1/health",
        "/V1/HEALTH",
        "/",
        "*",
        "/v1/health;/coverage",
        "http://evil.example/v1/health",
        "http://127.0.0.1:{P}/v1/health",
        "/docs",
        "/redoc",
        "/openapi.json",
    ],
)
def test_only_the_two_open_addresses_answer_strangers(server, filled, target):
    given = raw(server.port, filled(f"GET {target} HTTP/1.1\r\n{{H}}\r\n"))
    assert given.status == 401 and given.error


@pytest.mark.parametrize(
    "target",
    [
        "/v1/searches/../../etc/passwd",
        "/v1/%2e%2e/x",
        "/v1/%2e%2e/%2e%2e/etc/passwd",
        "/v1/moments/..%2f..%2f..%2fetc%2fpasswd",
        "/v1/moments/..%5c..%5cwindows",
        "/v1/moments/%2fetc%2fpasswd/picture?frame=0",
        "/v1/moments/a%00b",
        "/v1/moments/a;b=c",
        "/v1/moments/%ff%fe",
        "/v1/moments/%ed%a0%80",
        "/v1/moments/%c3%bc",
        "/v1/moments/%0d%0aX:%20y",
        "/v1/moments//picture?frame=0",
        "//v1/coverage",
        "/v1/coverage/",
        "/v1/coverage#x",
        "/docs",
        "/openapi.json",
        "http://evil.example/v1/coverage",
        "*",
    ],
)
def test_other_addresses_lead_nowhere(server, filled, target):
    given = raw(server.port, filled(f"GET {target} HTTP/1.1\r\n{{H}}{{A}}\r\n"))
    assert given.status == 404 and given.error.isprintable() and "root:" not in given.error


@pytest.mark.parametrize(
    ("request_text", "statuses"),
    [
        # Bodies
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}Content-Type: text/plain\r\n{L}\r\n{B}", {415}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{L}\r\n{B}", {415}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Content-Type: text/plain\r\n{L}\r\n{B}", {415}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}Content-Type: application/x-www-form-urlencoded\r\n{L}\r\n{B}", {415}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Content-Length: 99999999\r\n\r\n", {413}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Content-Length: 65537\r\n\r\n", {413}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Content-Length: 99999999999999999999999999\r\n\r\n", {400, 413}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Content-Length: -5\r\n\r\n", {400}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Content-Length: +16\r\n\r\n{B}", {400}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Content-Length: 0x10\r\n\r\n{B}", {400}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Content-Length: 1_6\r\n\r\n{B}", {400}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Content-Length: \xb2\r\n\r\n{B}", {400}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}\r\n{B}", {400}),
        ("GET /v1/health HTTP/1.1\r\n{H}Content-Length: 5\r\n\r\nabcde", {413}),
        ("DELETE /v1/searches/x HTTP/1.1\r\n{H}{A}Content-Length: 5\r\n\r\nabcde", {413}),
        # Two ways to tell where a body ends
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}{L}Content-Length: 3\r\n\r\n{B}", {400}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Content-Length: 16, 3\r\n\r\n{B}", {400}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {411}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}{L}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400, 411}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}{L}Transfer-Encoding: xchunked\r\n\r\n{B}", {400, 411}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}{L}Transfer-Encoding : chunked\r\n\r\n{B}", {400, 411}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}{L}Transfer-Encoding: gzip, chunked\r\n\r\n{B}", {400, 411}),
        ("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", {400, 411}),
        # Methods
        ("PUT /v1/searches HTTP/1.1\r\n{H}{A}\r\n", {405}),
        ("PATCH /v1/searches HTTP/1.1\r\n{H}{A}\r\n", {405}),
        ("DELETE /v1/coverage HTTP/1.1\r\n{H}{A}\r\n", {405}),
        ("OPTIONS /v1/searches HTTP/1.1\r\n{H}{A}\r\n", {405}),
        ("TRACE /v1/searches HTTP/1.1\r\n{H}{A}\r\n", {405}),
        ("CONNECT 127.0.0.1:22 HTTP/1.1\r\n{H}{A}\r\n", {404}),
        ("OPTIONS * HTTP/1.1\r\n{H}\r\n", {401}),
        # Heads
        ("GET /v1/health HTTP/1.1\r\n{H}X: {70000}\r\n\r\n", {400, 431}),
        ("GET /v1/health?{70000} HTTP/1.1\r\n{H}\r\n", {400, 431}),
        ("GET /v1/health HTTP/1.1\r\n{H}{200 lines}\r\n", {431}),
        ("GET /v1/health HTTP/1.1\r\n{H}X: a\x00b\r\n\r\n", {400}),
        ("GET /v1/health HTTP/1.1\r\n{H}X y: a\r\n\r\n", {400}),
        ("GET /v1/health HTTP/1.1\r\n {H}\r\n", {400}),
        ("GET /v1/h\xe4lth HTTP/1.1\r\n{H}\r\n", {400}),
        ("GET /v1/health HTTP/x.y\r\n{H}\r\n", {400}),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {403}),
        ("GET  /v1/health HTTP/1.1\r\n{H}\r\n", {400}),
        ("GET /v1/health\r\n\r\n", {400}),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400}),
        ("\x00\x00\x00\x00", {400}),
    ],
)
def test_a_request_that_is_not_as_it_should_be_gets_an_error(server, filled, request_text, statuses):
    request = filled(request_text).replace("{70000}", "a" * 70_000).replace("{200 lines}", "X: a\r\n" * 200)
    given = answers(server.port, request)  # ends: the connection is closed
    assert [each.status for each in given if each.status in statuses] == [each.status for each in given]
    assert len(given) == 1 and given[0].error and given[0].headers["connection"] == "close"


def test_an_odd_version_or_line_is_harmless(server, filled):
    """There is no proxy that could read such a request differently."""
    assert raw(server.port, filled("GET /v1/health HTTP/9.9\r\n{H}\r\n")).status == 200
    assert raw(server.port, filled("GET /v1/health HTTP/1.1\n{H}\n")).status == 200
    assert raw(server.port, filled("GET /v1/coverage HTTP/1.1\r\n{H}X: y\r\n {A}\r\n")).status == 401
    assert raw(server.port, filled("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}{L}{L}\r\n{B}")).status == 202  # one length


def test_every_answer_has_the_headers_that_keep_web_pages_out(server, filled):
    for request in (
        "GET /v1/health HTTP/1.1\r\n{H}\r\n",
        "GET /v1/coverage HTTP/1.1\r\n{H}{A}\r\n",
        "GET /v1/coverage HTTP/1.1\r\n{H}\r\n",
        "GET /nowhere HTTP/1.1\r\n{H}{A}\r\n",
        "no request\r\n\r\n",
        "POST /v1/searches HTTP/1.1\r\n{H}{A}{J}{L}\r\n{B}",
    ):
        headers = raw(server.port, filled(request)).headers
        assert SECURITY.items() <= headers.items()
        assert not {"server", "date", "access-control-allow-origin", "set-cookie"} & headers.keys()


def test_each_request_of_a_connection_needs_its_token(server, filled):
    asked = filled("GET /v1/coverage HTTP/1.1\r\n{H}{A}\r\n")
    stranger = filled("GET /v1/coverage HTTP/1.1\r\n{H}\r\n")
    assert [each.status for each in answers(server.port, asked + stranger + asked)] == [200, 401]
    page = filled("GET /v1/coverage HTTP/1.1\r\n{H}{A}Origin: null\r\n\r\n")
    assert [each.status for each in answers(server.port, page + asked)] == [403]


def test_a_body_can_not_hold_a_request(server, filled):
    hidden = filled("GET /v1/coverage HTTP/1.1\r\n{H}{A}\r\n")
    for head in ("{H}{J}", "{H}{A}"):  # refused for its token, for its type
        request = filled(f"POST /v1/searches HTTP/1.1\r\n{head}Content-Length: {len(hidden)}\r\n\r\n") + hidden
        assert [each.status // 100 for each in answers(server.port, request)] == [4]


@pytest.fixture
def impatient(monkeypatch, place, serve):
    """A server with little patience."""
    monkeypatch.setattr(serving, "HEAD_WITHIN_S", 0.4)
    monkeypatch.setattr(gate, "BODY_WITHIN_S", 0.4)
    return serve(place.desk)


def drip(connection: socket.socket, text: str, every_s: float = 0.05) -> float:
    """Send it a byte now and then; the seconds until the server ends the connection."""
    begin_s = time.monotonic()
    connection.settimeout(every_s)
    for byte in text.encode():
        try:
            connection.send(bytes([byte]))
            if not connection.recv(1 << 16):
                return time.monotonic() - begin_s
        except TimeoutError:
            continue
        except ConnectionError:
            return time.monotonic() - begin_s
    raise AssertionError("the server waited for all of it")


def test_a_slow_head_ends_the_connection(impatient):
    server, _ = impatient
    request = f"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
    with connected(server.port) as connection:
        assert 0.3 < drip(connection, request + "X: y\r\n" * 20) < 3
    with connected(server.port) as connection:  # a second request has no more time than the first
        send(connection, request + "\r\n")
        assert next(read_answers(connection)).status == 200
        assert 0.3 < drip(connection, request + "X: y\r\n" * 20) < 3
    for beginning in ("", "GET /v1/health\r\n", request):  # and a connection that says no more ends too
        with connected(server.port) as connection:
            send(connection, beginning)
            begin_s = time.monotonic()
            assert not received(connection) and time.monotonic() - begin_s < 3
    assert well(server)


def test_a_slow_body_is_refused(impatient):
    server, client = impatient
    head = (
        f"POST /v1/searches HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {client.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    with connected(server.port) as connection:
        send(connection, head)
        given = list(read_answers(connection))
    assert [each.status for each in given] == [408] and given[0].error
    with connected(server.port) as connection:
        send(connection, head)
        assert drip(connection, "{" * 1000) < 3


def test_a_body_that_ends_early_harms_nobody(server, filled):
    with connected(server.port) as connection:
        send(connection, filled("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}Content-Length: 1000\r\n\r\n{"))
        connection.shutdown(socket.SHUT_WR)
    with connected(server.port) as connection:
        send(connection, filled("GET /v1/health HTTP/1.1\r\n{H}X: no end"))
    assert well(server)


def test_idle_connections_have_a_limit_and_then_it_is_well_again(place, serve):
    server, _ = serve(place.desk)
    with ExitStack() as held:
        idle = [held.enter_context(connected(server.port)) for _ in range(40)]
        until(lambda: sum(map(_has_ended, idle)) >= 40 - serving.MAX_CONNECTIONS, within_s=10)
        assert sum(map(_has_ended, idle)) == 40 - serving.MAX_CONNECTIONS
        assert raw(server.port, f"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n").status == 0
    until(lambda: well(server), within_s=10)


def test_idle_connections_that_nobody_closes_end_by_themselves(impatient):
    server, _ = impatient
    with ExitStack() as held:
        for _ in range(40):
            held.enter_context(connected(server.port))
        until(lambda: well(server), within_s=10)


def _has_ended(connection: socket.socket) -> bool:
    connection.settimeout(0.001)
    try:
        return not received(connection)
    except TimeoutError:
        return False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"abc",
        b"null",
        b"[]",
        b'"blue"',
        b"[" * 60_000,
        b"[" * 30_000 + b"]" * 30_000,
        b'{"query":' * 6_000,
        b'{"query":"blue","top":' + b"9" * 60_000 + b"}",
        b'{"query":"blue","top":' + b"9" * 400 + b"}",
        b'{"query":"blue","top":1e999}',
        b'{"query":"blue","top":-1e999}',
        b'{"query":"blue","top":NaN}',
        b'{"query":"blue","top":Infinity}',
        b'{"query":"blue"}{"query":"blue"}',
        b'{"query":"\\ud800"}',
        b'{"query":"blue","name":"\\udcff"}',
        b'{"query":"\xff"}',
        b'{"query":"blue",}',
        b"{'query':'blue'}",
        b'{"query":["blue"]}',
        b'{"\\ud800":1,"query":"blue"}',
        b'{"query":"blue","' + b"x" * 60_000 + b'":1}',
        b'{"query":"' + b"\\u0000" * 10_000 + b'"}',
    ],
)
def test_a_json_bomb_is_an_error_of_one_short_sentence(server, client, body):
    given = client.ask("POST", "/v1/searches", body)
    assert given.status == 400 and len(given.error) < 200 and given.error.isprintable()


def test_of_a_key_given_twice_the_last_counts(client):
    search = client.ask("POST", "/v1/searches", b'{"query":"red","query":"blue"}').json["id"]
    assert client.events(search)[-1]["answer"]["query"] == "blue"


def test_deeply_nested_moments_are_refused(client):
    deep: list = []
    for _ in range(200):
        deep = [deep]
    for moments in (deep, [deep], [{"id": deep}], [{"id": "x", "step": deep}]):
        assert client.post("/v1/exports", {"moments": moments}).status == 400


def test_refusals_are_logged_without_what_was_sent_and_no_stranger_fills_the_log(server, filled, caplog):
    with caplog.at_level(logging.DEBUG):
        assert raw(server.port, "SECRET-BODY\r\n\r\n").status == 400
        request = "POST /v1/searches?SECRET HTTP/1.1\r\n{H}Authorization: Bearer SECRET\r\n{J}Content-Length: 8\r\n\r\n"
        assert raw(server.port, filled(request) + '"SECRET"').status == 401
        assert raw(server.port, filled("POST /v1/searches HTTP/1.1\r\n{H}{A}{J}{L}\r\n") + "[" * 16).status == 400
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert "Refused POST: 401" in caplog.text and "SECRET" not in caplog.text


def test_all_this_left_no_thread_behind(server):
    assert well(server)
    until(lambda: not [each for each in server_threads() if "search" in each.name], within_s=10)
    assert len(server_threads()) <= 2 * serving.MAX_CONNECTIONS


def test_the_server_listens_on_the_loopback_address_alone(server):
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {ADDRESS}
    for address in {*others, "127.0.0.2"}:
        with pytest.raises(OSError), socket.create_connection((address, server.port), timeout=5):
            pass
