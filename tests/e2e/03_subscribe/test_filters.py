"""Which filters an application is granted, which are refused, and how."""
import pytest

from lib import packets
from lib.cases import V5, table, versions
from lib.client import refusal, says_only

KINDS = ["attributes", "event_report", "command_reply", "data/s", "alarm", "online",
         "attributes_push", "command_send"]

GRANTED = {
    **{f"one device, {kind}": f"open/{{pk}}/{{du}}/{kind}" for kind in KINDS},
    **{f"every device, {kind}": f"open/{{pk}}/+/{kind}" for kind in KINDS},
    "device, any kind": "open/{pk}/{du}/+",
    "device, all": "open/{pk}/{du}/#",
    "every device, any kind": "open/{pk}/+/+",
    "every device, all": "open/{pk}/+/#",
    "the project": "open/{pk}/#",
    "any stream": "open/{pk}/{du}/data/+",
    "all streams": "open/{pk}/+/data/#",
    "everything": "#",
    "no such device": "open/{pk}/DU_0000000000/attributes",
    "shared": "$share/group/open/{pk}/+/attributes",
    "shared project": "$share/g/open/{pk}/#",
    "shared device": "$share/g/open/{pk}/{du}/data/+",
    "errors": "$open/{pk}/errors",
    "notice": "$open/{pk}/notice",
}

# Literally outside the own project: 0x80 in 3.1.1, 0x87 in v5.
FOREIGN = {
    "any root": "+/{pk}/{du}/attributes",
    "any root, all": "+/#",
    "all below open": "open/#",
    "any project": "open/+/{du}/attributes",
    "any project, all": "open/+/#",
    "other project": "open/PR_0000000000/+/attributes",
    "key and more": "open/{pk}x/#",
    "key cut short": "open/{short}/#",
    "other case": "open/{lower}/#",
    "capitals": "OPEN/{pk}/#",
    "open alone": "open",
    "$SYS": "$SYS/#",
    "other $open": "$open/PR_0000000000/errors",
    "any $open": "$open/+/errors",
    "own topic of a device": "attributes/{du}",
    "leading slash": "/open/{pk}/#",
    "shared foreign": "$share/g/open/PR_0000000000/#",
    "shared any": "$share/g/open/+/#",
    "shared everything": "$share/g/#",
    "shared $SYS": "$share/g/$SYS/#",
    "nested share": "$share/g/$share/h/open/{pk}/#",
    "byte order mark": "\ufeffopen/{pk}/#",
}

# A malformed filter or an unknown kind: 0x80 in 3.1.1, 0x8F with a reason string in v5.
MALFORMED = "the filter is malformed"
NO_KIND = "level 4 is no kind of open message"
FAULTY = {
    "# in the middle": ("open/{pk}/#/attributes", MALFORMED),
    "# in a level": ("open/{pk}/{du}/a#", MALFORMED),
    "# behind a level": ("open/{pk}/DU_#", MALFORMED),
    "+ in a level": ("open/{pk}/+a/attributes", MALFORMED),
    "+ behind": ("open/{pk}/a+/attributes", MALFORMED),
    "++": ("open/{pk}/++/attributes", MALFORMED),
    "typing error": ("open/{pk}/{du}/atributes", NO_KIND),
    "kind in capitals": ("open/{pk}/{du}/Attributes", NO_KIND),
    "kind cut short": ("open/{pk}/{du}/attribute", NO_KIND),
    "one level too many": ("open/{pk}/{du}/attributes/x",
                           "level 5 is too many: only data has a stream"),
    "trailing slash": ("open/{pk}/{du}/attributes/",
                       "level 5 is too many: only data has a stream"),
    "share without group": ("$share//open/{pk}/#", MALFORMED),
    "share group with +": ("$share/a+/open/{pk}/#", MALFORMED),
    "share group #": ("$share/#/open/{pk}/#", MALFORMED),
    "share alone": ("$share/g", MALFORMED),
    "share of nothing": ("$share/g/", MALFORMED),
}


def written(text, project, device):
    return text.format(pk=project.key, du=device.username, short=project.key[:-1],
                       lower=project.key.lower())


@versions
@table("text", GRANTED)
def test_granted(net, version, text):
    """open-api 3.1, X-ACL-project, [MQTT-3.8.4-7]: granted at the QoS that was asked for."""
    app, device = net.app(version), net.project.device()
    for qos in (0, 1, 2):
        suback = app.subscribe(written(text, net.project, device), qos=qos)
        assert suback.codes == (qos,)


@versions
@table("text", FOREIGN)
def test_foreign(net, version, text):
    """open-api 3.1, X-ACL-project: refused one by one, the connection is kept."""
    app, device = net.app(version), net.project.device()
    suback = app.subscribe(written(text, net.project, device))
    assert suback.codes == (refusal(version, 0x87, 0x80),)
    assert says_only(suback, "must be" if version == V5 else None)
    app.ping()


@versions
@table("text, why", FAULTY)
def test_faulty(net, version, text, why):
    """open-api 3.1, [MQTT-4.7.1-1], [MQTT-4.7.1-2], [MQTT-4.8.2-1], [MQTT-4.8.2-2], 3.1.1
    [MQTT-4.7.1-2], [MQTT-4.7.1-3]: a fault is named, the connection is kept."""
    app, device = net.app(version), net.project.device()
    suback = app.subscribe(written(text, net.project, device))
    assert suback.codes == (refusal(version, 0x8F, 0x80),)
    assert says_only(suback, why if version == V5 else None)
    app.ping()


@versions
@pytest.mark.parametrize("length", [600, 65535])
def test_very_long(net, version, length):
    """open-api 8, [MQTT-4.7.3-3]: a filter above 512 bytes is refused in an orderly way."""
    app = net.app(version)
    text = f"open/{net.project.key}/".ljust(length, "x")
    suback = app.subscribe(text)
    assert suback.codes == (refusal(version, 0x8F, 0x80),)
    assert says_only(suback, "the filter is longer than this server allows" if version == V5
                     else None)
    app.ping()


@versions
def test_a_hundred(net, version):
    """open-api 8: 100 subscriptions a session, the next one is refused."""
    app = net.app(version)
    filters = [net.project.open(f"DU_{number:010}", "online") for number in range(101)]
    codes = app.subscribe(*filters).codes
    assert codes[:100] == (1,) * 100
    assert codes[100] == refusal(version, 0x97, 0x80)


@versions
def test_one_suback_for_all(net, version):
    """[MQTT-3.8.4-1], -2, -5, -6, [MQTT-3.9.3-1], -2, 3.1.1 [MQTT-3.8.4-4], -5, [MQTT-3.9.3-2]:
    one code for each filter, in their order, doubled ones too."""
    app, device = net.app(version), net.project.device()
    own = device.open("attributes")
    suback = app.subscribe((own, 1), ("open/PR_0000000000/#", 2), (device.open("online"), 0),
                           ("a#", 0), (own, 2), (own, 0))
    foreign, faulty = refusal(version, (0x87, 0x8F), (0x80, 0x80))
    assert suback.codes == (1, foreign, 0, faulty, 2, 0)
    assert says_only(suback, "level 2 must be the own projectKey" if version == V5 else None)


@versions
def test_all_refused(net, version):
    """[MQTT-3.8.4-1]: a SUBACK also when nothing is granted."""
    foreign = refusal(version, 0x87, 0x80)
    assert net.app(version).subscribe("$SYS/#", "+/#").codes == (foreign, foreign)


def test_identifiers_are_repeated(net):
    """[MQTT-2.2.1-6], [MQTT-2.2.2-1], 3.1.1 [MQTT-2.3.1-7]: SUBACK and UNSUBACK carry the request's
    identifier, and in v5 that they have no properties."""
    for version in packets.VERSIONS:
        app = net.app(version)
        for pid in (1, 0x1234, 0xFFFF):
            app.send(packets.subscribe(version, pid, [("#", 0)]))
            assert app.recv() == packets.Suback(pid, (0,))
            app.send(packets.unsubscribe(version, pid, ["#"]))
            assert app.recv() == packets.Unsuback(pid, (0,) if version == V5 else ())
