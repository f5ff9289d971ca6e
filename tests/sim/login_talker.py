"""A bare client for the simulated pool in the login dialect: lines out, lines in, as they are."""

import json
from collections.abc import Iterator
from typing import Any

from proxy.native import Equihash
from proxy.native.reference import share_value
from proxy.sim import blobwork
from proxy.sim.solver import solve
from tests.sim.talker import Talker

LOGIN = (
    b'{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"W","pass":"x",'
    b'"agent":"XMRig/6.26.0 (Linux x86_64) libuv/1.44.2 gcc/12.2.0","algo":["cn/0","rx/0"]}}\n'
)
SMALL = Equihash(48, 5)


class LoginTalker(Talker):
    """Speaks to a pool as XMRig does; `session` is the id it was given."""

    session = ""

    async def enter(self) -> Any:
        """Log in; return the job."""
        result = json.loads(await self.ask(LOGIN))["result"]
        self.session = result["id"]
        return result["job"]

    def submit(self, share: Any, request_id: int = 2) -> bytes:
        """A submit of this session, unless the share names another."""
        return line("submit", {"id": self.session, **share}, request_id)


def line(method: str, params: Any, request_id: Any = 2) -> bytes:
    """A request."""
    message = {"id": request_id, "jsonrpc": "2.0", "method": method, "params": params}
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def message_of(answer: bytes) -> str:
    """What a refusal says, or the status of what is none."""
    reply = json.loads(answer)
    assert list(reply)[:2] == ["jsonrpc", "id"]
    if reply.get("error") is None:
        return str(reply["result"]["status"])
    assert "result" not in reply
    assert reply["error"].keys() == {"code", "message"}
    assert reply["error"]["code"] == -1
    return str(reply["error"]["message"])


def proofs(job: Any, nonces: int = 60) -> Iterator[dict[str, str]]:
    """What a submit for an Equihash job needs, its result included, the first proof of each nonce."""
    header, xn = job["blob"][:64], job["xn"]
    for number in range(nonces):
        nonce = xn + number.to_bytes(4, "little").hex().ljust(64 - len(xn), "0")
        for solution in solve(SMALL, bytes.fromhex(header), bytes.fromhex(nonce))[:1]:
            value = share_value(header, nonce, solution).hex()
            share = {"nonce": nonce, "solution": solution.hex(), "result": value}
            yield {"job_id": job["job_id"], **share}


def hashes(job: Any, nonces: int = 200) -> Iterator[dict[str, str]]:
    """What a submit for blob work needs."""
    for number in range(nonces):
        nonce = number.to_bytes(4, "little").hex()
        yield {"job_id": job["job_id"], "nonce": nonce, "result": blobwork.result(job["blob"], nonce)}
