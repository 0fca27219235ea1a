#!/usr/bin/python3
"""Writes the seeds of the codec's fuzz targets: corpus/<target without fuzz_>/<name>.

The notation is that of tests/unit/mqtt/wire.h: hexadecimal, 'characters', <text behind a two-byte
length>, [ bytes behind a two-byte length ], { bytes behind a one-byte length }. What each target
does with its first byte stands in its own comment.
"""

import pathlib

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


def main():
    corpus = pathlib.Path(__file__).resolve().parent / "corpus"
    for target, seeds in SEEDS.items():
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in seeds.items():
            (folder / name).write_bytes(parse(text)[0])


if __name__ == "__main__":
    main()
