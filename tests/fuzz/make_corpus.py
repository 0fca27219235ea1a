#!/usr/bin/python3
"""Writes the seeds of the codec's fuzz targets and of those that play scripts: corpus/<target
without fuzz_>/<name>.

The notation is that of tests/unit/mqtt/wire.h: hexadecimal, 'characters', <text behind a two-byte
length>, [ bytes behind a two-byte length ], { bytes behind a one-byte length }. What each target
does with its first byte stands in its own comment.

A script is the byte that chooses what the server is like, then a line a step: operation (enum
script_op in script.h), who (a: an application, d: a device), operands; `!` in front holds back.
What the operands mean stands in script_packet.c. A script is a seed of each target whose cast has
everybody in it.
"""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent

SEEDS = {
    "decode_connect": {
        "v3_client_id": "<MQTT> 04 02 003C <c>",
        "v3_empty_client_id": "<MQTT> 04 00 003C <>",
        "v3_everything": "<MQTT> 04 F6 003C <c> <t> <p> <user> <pass>",
        "v3_password_alone": "<MQTT> 04 42 003C <c> <pass>",
        "v5_client_id": "<MQTT> 05 02 003C 00 <c>",
        "v5_password_alone": "<MQTT> 05 42 003C 00 <c> <pass>",
        "v5_properties": "<MQTT> 05 02 003C { 11 FFFFFFFF 15 <m> 16 [00] 17 00 19 01 21 0001"
                         " 22 000A 26 <k> <v> 26 <k> <> 27 00001000 } <c>",
        "v5_will": "<MQTT> 05 36 003C 00 <c> { 01 01 02 0000000A 03 <json> 08 <r/t> 09 [00FF]"
                   " 18 0000001E 26 <b> <1> 26 <a> <2> } <t> <p>",
        "v5_everything": "<MQTT> 05 EE 003C { 21 0010 } <c> { 18 00000001 } <t> <p> <user> <pass>",
        "v5_not_ascii": "<MQTT> 05 82 003C { 26 [EFBBBF] [C3A9] } [E4BDA0] [F09F9880]",
        "v5_length_past_packet": "<MQTT> 05 02 003C 7F <c>",
        "level_3": "<MQIsdp> 03 02 003C <c>",
    },
    "decode_publish": {
        "v3_qos_0": "00 <attributes/DU_0123456789> '{\"t\":1}'",
        "v3_qos_1": "02 <a/b> 0001 'x'",
        "v3_qos_2_dup_retain": "0D <a/b> FFFF 00FF",
        "v3_not_ascii": "00 [C3A9 '/' E4BDA0 '/' F09F9880] 'x'",
        "v3_wildcard": "00 <a/+/b> 'x'",
        "v5_qos_0": "10 <attributes/DU_0123456789> 00 '{}'",
        "v5_qos_1_all_properties": "12 <a/b> 0007 { 01 01 02 0000003C 03 <text/plain> 08 <r/t>"
                                   " 09 [00FF] 23 0005 26 <b> <1> 26 <a> <> 26 <b> <2> } 'x'",
        "v5_alias_alone": "10 <> { 23 0001 } 'x'",
        "v5_alias_0": "10 <a> { 23 0000 }",
        "v5_subscription_ids": "10 <a> { 0B 01 0B FFFFFF7F }",
        "v5_qos_3": "16 <a> 0001 00",
    },
    "decode_subscribe": {
        "v3_three": "00 0001 <a> 00 <#> 01 <+/b> 02",
        "v3_reserved_option": "00 0001 <a> 04",
        "v5_options": "01 0001 00 <a> 2E <b> 15 <c> 04 <d> 08 <e> 20",
        "v5_properties": "01 0001 { 0B FFFFFF7F 26 <b> <1> 26 <a> <> } <a> 01",
        "v5_shared": "01 0001 00 <$share/g/a> 2A",
        "v5_shared_no_local": "01 0001 00 <$share/g/a> 04",
        "v5_no_filter": "01 0001 00",
        "v3_unsubscribe": "02 0001 <a> <#>",
        "v5_unsubscribe": "03 0001 { 26 <k> <v> } <a> <> <b>",
    },
    "decode_ack": {
        "v3_puback": "00 40 02 0001",
        "v3_disconnect": "00 E0 00",
        "v5_puback_2": "01 40 02 0001",
        "v5_pubrec_3": "01 50 03 0001 10",
        "v5_pubrel_4": "01 62 04 0001 92 00",
        "v5_pubcomp_properties": "01 70 17 0001 00 { 1F <why> 26 <b> <1> 26 <a> <> }",
        "v5_disconnect_will": "01 E0 01 04",
        "v5_disconnect_properties": "01 E0 15 00 { 11 0000001E 1F <why> 26 <k> <v> }",
        "v5_auth": "01 F0 0A 18 { 15 <m> 16 [00] }",
        "header_largest": "01 30 FF FF FF 7F",
        "header_overlong": "01 30 FF FF FF FF 01",
        "header_padded": "01 C0 80 00",
        "header_type_0": "01 00 00",
        "header_from_server": "01 20 00",
    },
    "topic": {
        "same": "'a/b' 00 'a/b'",
        "plus": "'a/+/c' 00 'a/b/c'",
        "hash": "'a/#' 00 'a'",
        "plus_and_hash": "'+/+/#' 00 '/x'",
        "dollar": "'#' 00 '$SYS/x'",
        "dollar_named": "'$SYS/#' 00 '$SYS/x/y'",
        "shared": "'$share/g/a/+' 00 'a/'",
        "shared_bad_group": "'$share/+/a' 00 'a'",
        "shared_alone": "'$share/g' 00 'g'",
        "hash_in_level": "'a#/b' 00 'a'",
        "empty_levels": "'//+//' 00 '//x//'",
        "project": "'open/PR_0123456789/+/attributes' 00"
                   " 'open/PR_0123456789/DU_0123456789/attributes'",
    },
}

# The topic's number, then the payload.
SEEDS["sub_report"] = {name: f"{topic:02X} " + " ".join(f"{byte:02X}" for byte in text.encode())
                       for name, (topic, text) in {
    "connect": (0, '{"device":["1","2"]}'),
    "connect_product": (0, '{"device":"9","product":"PK_00000"}'),
    "disconnect": (1, '{"device":["1","2","3"]}'),
    "tree": (2, '{"1":{"attributes":{"a":1},"ts":1700000000000,"sub":{"2":{"attributes":{"b":[2]},'
                '"sub":{"3":{"attributes":{}}}}}},"2":{"attributes":{}}}'),
    "tree_faults": (2, '{"9":{"attributes":{}},"1":{"sub":{"9":{}},"attributes":7,"ts":"x"},"2":5}'),
    "tree_doubled": (2, '{"1":{"attributes":{"a":1}},"\\u0031":{"attributes":{"a":2}}}'),
    "list": (2, '[{"device":["1","1"],"ts":5,"attributes":{"a":1}},'
                '{"device":"2","attributes":{"a":12345678901234567890123}}]'),
    "list_faults": (2, '[7,{},{"device":[],"attributes":{}},{"device":["1"],"attributes":[]}]'),
    "event": (3, '{"device":["1"],"event":{"method":"m","params":{"p":1}}}'),
    "reply": (4, '{"device":"1","command":{"method":"m","id":1}}'),
    "get": (5, '{"device":["1"],"get":{"keys":["a"]}}'),
    "gateway_connect": (11, '{"device":"1"}'),
    "gateway_attributes": (13, '{"1":{"battery":100},"9":{},"1":{"battery":99}}'),
    "gateway_event": (14, '{"device":"1","event":{"method":"m"}}'),
    "gateway_get": (16, '{"device":"1","get":{}}'),
    "no_json": (2, '{"1":'),
    "mark": (2, '\ufeff {"1":{"attributes":{}}}'),
}.items()}

# Who the connections of a target's script are (its cast).
CASTS = {
    "device_connection": ["d1", "d2", "d3", "d4", "a1", "a2"],
    "app_connection": ["a1", "a2", "a3", "a4", "d1", "d2"],
    "app_websocket": ["a1", "a2", "a3", "a4", "a5", "d1"],
}

SCRIPTS = {
    "report": """01
        CONNECT a1 83 00 00 00 00 09 04 00 00 0A
        SUBSCRIBE a1 01 05 6C 02
        CONNECT d1 81 00 3C 00 00 01 04
        PUBLISH d1 00 00 00 00
        PUBLISH d1 01 01 01 02
        PUBLISH d1 02 02 02 0A 00 'any bytes'
        ACK d1 02 02
        PUBLISH d1 81 00 03 05 00
        PACKET d1 C0
        DISCONNECT d1 00
        UNSUBSCRIBE a1 02 6C
        DISCONNECT a1 00""",
    "report_3_1_1": """05
        CONNECT a1 80 00
        SUBSCRIBE a1 01 00 62 02 63 01
        CONNECT d1 80 00
        PUBLISH d1 02 00 01 00
        ACK d1 02 01
        PUBLISH d1 02 01 02 02
        ACK d1 02 02
        PUBLISH d1 09 02 03 0B 03
        CLOSE d1 00""",
    "downlinks": """04
        CONNECT d1 81 00 00 00 00 01 04
        SUBSCRIBE d1 01 00 05 01 06 02 07 01 08 01 09 01
        CONNECT a1 83 00
        SUBSCRIBE a1 01 03 61 01 68 00
        PUBLISH a1 01 00 01 00
        PUBLISH a1 02 01 02 01
        ACK a1 02 02
        PUBLISH a1 C2 01 03 09 03
        PUBLISH d1 01 03 01 01
        PUBLISH d1 01 04 02 03
        ADVANCE d1 08""",
    "retained": """02
        CONNECT a1 83 00
        PUBLISH a1 05 00 01 00
        PUBLISH a1 06 01 02 01
        SUBSCRIBE a1 03 00 60 29 61 02
        SUBSCRIBE a1 04 00 00 18
        PUBLISH a1 05 00 05 04
        CONNECT a2 80 01
        SUBSCRIBE a2 01 00 61 01""",
    "errors": """01
        CONNECT a1 83 00
        SUBSCRIBE a1 01 00 0B 01
        PUBLISH a1 01 00 01 07
        PUBLISH a1 02 02 02 00
        PUBLISH a1 01 40 03 00
        PUBLISH a1 01 0E 04 08
        PUBLISH a1 00 01 00 00
        SUBSCRIBE a1 02 00 0E 01 0F 01 50 01 FD 01 70 01""",
    "share": """02
        CONNECT a1 83 00 00 00 00 01 04
        CONNECT a2 83 01 00 00 00 01 04
        SUBSCRIBE a1 01 01 EC 01
        SUBSCRIBE a2 01 02 EC 02
        CONNECT d1 80 00
        PUBLISH d1 01 00 01 00
        TRAFFIC a1 08 05 01
        TRAFFIC a1 02 05 02
        CLOSE a1 00
        ADVANCE a1 04
        TRAFFIC a1 00 05 01
        CONNECT a1 81 00 00 00 00 01 04
        UNSUBSCRIBE a2 02 EC
        TRAFFIC a1 08 05 01""",
    "share_unanswered": """06
        CONNECT a1 01 00 00 00 00 03 04 02
        SUBSCRIBE a1 01 00 EC 01
        TRAFFIC a1 08 08 01
        CONNECT a2 01 01 00 00 00 03 04 02
        SUBSCRIBE a2 01 00 EC 02
        CLOSE a1 01
        ADVANCE a1 04
        ACK a2 00 00
        ACK a2 00 00
        CLOSE a2 00
        ADVANCE a1 06""",
    "resume": """05
        CONNECT a1 01 00 00 00 00 0B 04 03 00 04
        SUBSCRIBE a1 01 00 6C 02
        TRAFFIC a1 08 06 01
        ACK a1 01 00
        CLOSE a1 00
        TRAFFIC a1 08 06 01
        CONNECT a1 01 00 00 00 00 0B 04 02 00 04
        ACK a1 03 00
        ACK a1 01 00
        ACK a1 03 00
        DISCONNECT a1 04 02
        ADVANCE a1 02
        CONNECT a1 81 00 00 00 00 0B 04 02 00 04""",
    "take_over": """01
        CONNECT d1 81 00 00 00 00 01 04
        SUBSCRIBE d1 01 00 06 01
        CONNECT d1 81 01 00 00 00 01 04
        CONNECT a1 81 00 00 00 00 01 04
        OPEN a2 01
        CONNECT a2 C1 00 00 00 00 01 04
        CONNECT a1 83 00""",
    "wills": """04
        CONNECT d1 2D 00 05 00 10 01 04
        CONNECT a1 0D 00 05 00 30 01 04
        CLOSE d1 00
        CLOSE a1 01
        ADVANCE a1 03
        CONNECT d1 34 00 05 02 0A
        CONNECT a1 24 00 05 01 01
        ADVANCE a1 05
        CONNECT a1 05 00 00 40 00 00
        CONNECT d1 05 00 00 06 00 00""",
    "aliases": """00
        CONNECT a1 81 00 00 00 00 08 00 00 00 02
        SUBSCRIBE a1 01 00 6C 00
        CONNECT d1 81 00 00 00 00 00
        PUBLISH d1 10 00 00 00 01
        PUBLISH d1 30 00 00 00 01
        PUBLISH d1 11 01 02 02 02
        TRAFFIC a1 00 02 00
        TRAFFIC a1 02 02 00
        PUBLISH d1 30 00 00 00 03""",
    "small_packets": """00
        CONNECT a1 81 00 00 00 00 1F 04 02 3C 02
        SUBSCRIBE a1 01 00 6C 02
        TRAFFIC a1 00 01 01
        TRAFFIC a1 02 01 04
        PUBLISH a1 01 01 02 07
        CONNECT a2 01 01 00 00 00 04 00 00 05""",
    "too_many_codes": """00
        CONNECT a1 81 00 00 00 00 04 00 00 20
        SUBSCRIBE a1 01 00 02 01 03 01 04 01 05 01 06 01 07 01 02 02 03 02 04 02 05 02 06 02 07 02
        UNSUBSCRIBE a1 02 02030405060708090A0B0C0D0E0F02030405060708090A0B0C0D0E0F""",
    "take_over_war": """00
        CONNECT a1 00
        CONNECT a1 00
        CONNECT a1 00
        CONNECT a1 00
        CONNECT a1 00
        CONNECT a2 00
        CONNECT a1 00
        CONNECT a3 00
        PACKET a3 C0
        ADVANCE a1 03
        CONNECT a1 00
        RAW a1 00 80""",
    "slow": """24
        CONNECT a1 81 00 00 00 00 01 04
        SUBSCRIBE a1 01 00 6C 01
        ROOM a1 10
        TRAFFIC a1 08 0A 07
        TRAFFIC a1 00 0A 06
        ADVANCE a1 02
        ROOM a1 FF
        ADVANCE a1 02""",
    "held_back": """02
        !CONNECT a1 81 00 00 00 00 01 04
        !SUBSCRIBE a1 01 00 6C 01
        !CONNECT d1 81 00 00 00 00 01 04
        !PUBLISH d1 01 00 01 00
        !MOVE d1 03 08
        !MOVE d1 00
        !MOVE a1 03 FF
        !MOVE a1 01
        !MOVE a1 02
        !CLOSE d1 01
        MOVE a1 04""",
    "refused": """00
        CONNECT a1 01 40
        CONNECT a1 00 C0
        CONNECT a1 01 30
        CONNECT a1 01 00 00 00 00 80
        CONNECT a1 01 05
        CONNECT a1 00 05
        CONNECT d1 01 40
        CONNECT d1 00 20
        CONNECT d1 01 28""",
    "broken": """00
        CONNECT a1 01 00
        PACKET a1 36 <t> 0001 00
        CONNECT a1 01 00
        CONNECT a1 41 00
        CONNECT a1 01 00
        PACKET a1 82 0001 00 <$share/g/a> 04
        CONNECT d1 00 00
        RAW d1 F0 00
        CONNECT d1 01 00
        PACKET d1 F0 18 00
        OPEN d1 01
        RAW d1 10 FF FF FF FF 01
        OPEN d1 00
        PACKET d1 10 <MQTT> 06 02 0000 00 <>
        OPEN d1 00
        PACKET d1 10 <MQTT> 05 02 0000 { 11 00 } <>""",
    "expiry": """04
        CONNECT a1 01 00 00 00 00 01 02
        SUBSCRIBE a1 01 00 6C 01
        CLOSE a1 00
        TRAFFIC a1 08 02 00
        ADVANCE a1 04
        CONNECT a1 81 00
        CONNECT d1 01 00 00 00 00 01 02
        SUBSCRIBE d1 01 00 06 02
        CLOSE d1 00
        PUBLISH a1 42 01 01 01 01
        ADVANCE a1 03
        CONNECT d1 81 00 00 00 00 01 02""",
    "admin": """06
        CONNECT a1 81 00 00 00 00 01 04
        SUBSCRIBE a1 01 00 6C 01 EC 01
        CONNECT d1 81 00 00 00 00 01 04
        SUBSCRIBE d1 01 00 06 02
        ADMIN d1 02 00
        CONNECT d1 81 00 00 00 00 01 04
        ADMIN d1 01 00
        CONNECT d1 81 00 00 00 00 01 04
        ADMIN d1 00 00
        ADMIN d1 01 00
        ADMIN a1 04
        ADMIN a1 05
        CONNECT a1 81 00 00 00 00 01 04
        ADMIN a1 06
        ADMIN a1 05
        ADMIN a1 01 00""",
    "frames": """01
        OPEN a1 00 01
        FRAME a1 02 10 25
        FRAME a1 89 'ping'
        FRAME a1 80 <MQTT> 05 02 0000 00 <> 80 00 00
        CONNECT a2 81 00
        FRAME a2 82 C0 00 C0 00
        FRAME a2 02 C0
        FRAME a2 00
        FRAME a2 80 00
        FRAME a2 88 03E8 'bye'
        CONNECT a3 81 01
        FRAME a3 81 'text'
        OPEN a4 00 02
        CONNECT a1 81 02
        RAW a1 82 02 C0 00""",
    "upgrades": """00
        OPEN a1 00 02
        OPEN a1 00 03
        OPEN a1 00 04
        OPEN a1 00 05
        OPEN a1 00 01
        CONNECT a1 83 00
        PUBLISH a1 02 01 01 01""",
}

CLOSING = {"[": ("]", 2), "{": ("}", 1)}


def parse(text, at=0, end=""):
    """The bytes of `text` from `at` to the closing `end`, and where that stands."""
    out = b""
    while at < len(text) and text[at] != end:
        char = text[at]
        if char.isspace():
            at += 1
        elif char in "'<":
            stop = text.index({"'": "'", "<": ">"}[char], at + 1)
            part = text[at + 1:stop].encode()
            out += part if char == "'" else len(part).to_bytes(2, "big") + part
            at = stop + 1
        elif char in CLOSING:
            closing, len_bytes = CLOSING[char]
            part, stop = parse(text, at + 1, closing)
            out += len(part).to_bytes(len_bytes, "big") + part
            at = stop + 1
        else:
            out += bytes.fromhex(text[at:at + 2])
            at += 2
    return out, at


def operations():
    """The numbers of the operations, from the enum itself."""
    text = (HERE / "script.h").read_text()
    body = re.search(r"enum script_op \{(.*?)\};", text, re.DOTALL).group(1)
    names = re.findall(r"^\s*SCRIPT_(\w+),", body, re.MULTILINE)
    return {name: number for number, name in enumerate(names)}


def assemble(script, cast):
    """The bytes of a script, or None: somebody in it is not in the cast."""
    numbers = operations()
    like, *lines = script.splitlines()
    out = bytes.fromhex(like)
    for line in lines:
        name, who, *operands = line.split(maxsplit=2)
        if who not in cast:
            return None
        part = parse(operands[0])[0] if operands else b""
        hold = 0x80 if name.startswith("!") else 0
        out += bytes([numbers[name.lstrip("!")] | cast.index(who) << 4 | hold, len(part)]) + part
    return out


def write(target, name, seed):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(seed)


def main():
    for target, seeds in SEEDS.items():
        for name, text in seeds.items():
            write(target, name, parse(text)[0])
    for target, cast in CASTS.items():
        for name, script in SCRIPTS.items():
            seed = assemble(script, cast)
            if seed is not None:
                write(target, name, seed)


if __name__ == "__main__":
    main()
