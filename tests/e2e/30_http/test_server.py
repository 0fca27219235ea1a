"""What the server tells about itself. (open-api 2, 7)"""
import re
from pathlib import Path

from lib.http import Api

SERVER_OPTIONS = ("--metrics-token", "to-scrape-with")


def test_version_and_endpoints(server, admin, viewer):
    """open-api 2: the API shows the endpoints that clients use."""
    told = admin.get("/api/v1/server")
    assert told["endpoints"]["app_wss"] == [f"wss://localhost:{server.port('app_wss')}/mqtt"]
    assert told["endpoints"]["device_ws"] == [f"ws://localhost:{server.port('device_ws')}/mqtt"]
    assert told["endpoints"]["https"] == [f"https://localhost:{server.port('https')}"]
    assert told["started_ms"] <= told["now_ms"]
    assert viewer.get("/api/v1/server")["version"] == told["version"]


def test_counters(admin):
    """open-api 7: counters with what they mean, those of this API too."""
    def read():
        items = admin.get("/api/v1/server/counters")["items"]
        return {c["name"]: c for c in items}
    before, after = read(), read()
    assert after["http_requests"]["value"] == before["http_requests"]["value"] + 1
    assert after["conns_open"]["kind"] == "gauge" and after["http_requests"]["help"]
    assert "memory_device" in after


def test_metrics(server, nobody, admin, viewer):
    """open-api 7: Prometheus reads with an operator's log-in or with the token of the option."""
    nobody.get("/metrics", expect=401)
    viewer.get("/metrics")
    text = Api(server, {"Authorization": "Bearer to-scrape-with"}).get("/metrics").body.decode()
    Api(server, {"Authorization": "Bearer to-scrape-wit"}).get("/metrics", expect=401)
    sample = re.compile(r'eztcloud_\w+({le="[\d.e+Inf-]+"})? -?[\d.]+')
    for line in text.splitlines():
        assert line.startswith(("# HELP eztcloud_", "# TYPE eztcloud_")) or sample.fullmatch(line)
    assert re.search(r"^# TYPE eztcloud_http_requests_total counter$", text, re.M)
    assert re.search(r"^eztcloud_conns_open \d+$", text, re.M)
    times = "eztcloud_journal_commit_time_seconds"
    assert re.search(rf"^# TYPE {times} histogram$", text, re.M)
    buckets = [int(n) for n in re.findall(rf'^{times}_bucket{{le=".*"}} (\d+)$', text, re.M)]
    assert len(buckets) == 17 and buckets == sorted(buckets)
    assert int(re.search(rf"^{times}_count (\d+)$", text, re.M)[1]) == buckets[-1]
    # the token opens nothing else
    Api(server, {"Authorization": "Bearer to-scrape-with"}).get("/api/v1/server", expect=401)


def test_the_ca(server, nobody):
    """open-api 2: clients get the CA by which they verify."""
    answer = nobody.get("/ca.pem")
    assert answer.body == Path(server.ca).read_bytes()
