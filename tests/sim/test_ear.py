"""What the reference miner takes, ignores, and throws at."""

from collections import Counter

import pytest

from proxy.errors import PoolError
from proxy.sim import ear

HEADER = "AB" * 32
TARGET = "00" * 2 + "ff" * 30


def hear(text: str) -> tuple[ear.Heard | None, list[str]]:
    violations: Counter[str] = Counter()
    return ear.Ear(violations).hear(text.encode()), list(violations)


def call(method: str, params: str) -> str:
    return f'{{"id":null,"method":"{method}","params":{params}}}'


def notify(params: str) -> str:
    return call("mining.notify", params)


JOB = f'["7",true,"{TARGET}","{HEADER}"]'

UNDERSTOOD = [
    (notify(JOB), ear.Notify("7", True, bytes.fromhex(TARGET), HEADER.lower())),
    (notify(f'["7",true,"","{HEADER}"]'), ear.Notify("7", True, b"\xff" * 32, HEADER.lower())),
    (notify(f'["7",true,"0xff","{HEADER}"]'), ear.Notify("7", True, bytes(31) + b"\xff", HEADER.lower())),
    (call("mining.set_target", f'["{TARGET}"]'), ear.SetTarget(bytes.fromhex(TARGET))),
    (call("mining.set_extranonce", '["0AFF",30]'), ear.SetExtranonce("0aff")),
    (call("mining.set_difficulty", "[8]"), None),
    (call("client.show_message", '["hello"]'), None),
    (call("client.reconnect", "[]"), ear.Reconnect("", 0)),
    (call("client.reconnect", '["h","77",0]'), ear.Reconnect("h", 77)),
    ('{"id":4,"result":true,"error":null}', ear.Reply(4, True, True, "")),
    ('{"id":4,"result":"true","error":null}', ear.Reply(4, False, "true", "")),
    ('{"id":4,"result":null,"error":[20,"no",null]}', ear.Reply(4, False, None, "no")),
    ('{"id":4,"error":{"code":-1,"message":"no"}}', ear.Reply(4, False, None, "no")),
    ('{"id":4,"result":false,"error":true}', ear.Reply(4, False, False, "unknown")),
    ('{"id":null,"result":null,"error":[20,"bye",null]}', None),
]


@pytest.mark.parametrize(("text", "heard"), UNDERSTOOD)
def test_understood(text: str, heard: ear.Heard | None) -> None:
    assert hear(text) == (heard, [])


STUMBLED = [
    ('{"id":4,"result":true}\r', "line_not_an_object"),
    (' {"id":4,"result":true}', "line_not_an_object"),
    ("{nonsense}", "line_not_json"),
    ('{"id":"4","result":true}', "reply_id_not_an_integer"),
    (notify(f'["7",false,"{TARGET}","{HEADER}"]'), "not_clean_job"),
    (call("client.get_version", "[]"), "unknown_method"),
    (call("mining.set_target", "[7]"), "set_target_form"),
    (call("mining.set_extranonce", '["abc"]'), "set_extranonce_form"),
    (call("client.reconnect", '["h",77]'), "reconnect_port_not_a_string"),
    (call("client.show_message", "[]").replace("null", "5"), "server_request_with_id"),
]


@pytest.mark.parametrize(("text", "violation"), STUMBLED)
def test_stumbled_over(text: str, violation: str) -> None:
    assert violation in hear(text)[1]


THROWN_AT = [
    notify("[]"),
    notify('{"a":1}'),
    notify(f'[7,true,"{TARGET}","{HEADER}"]'),
    notify(f'["7","true","{TARGET}","{HEADER}"]'),
    notify(f'["7",true,"{TARGET}","{HEADER}",1]'),
    notify(f'["7",true,"{TARGET}","0x{HEADER}"]'),
    notify(f'["7",true,"zz","{HEADER}"]'),
    call("mining.set_difficulty", f'["{TARGET}"]'),
]


@pytest.mark.parametrize("text", THROWN_AT)
def test_thrown_at(text: str) -> None:
    with pytest.raises(PoolError):
        hear(text)
