"""How the Aion dialect writes a share, and how it may be misspelt.

Strategy: the five strings of a mining.submit, by hand.  The trap: pools are not written like the proxy; a
solo pool dies of a request without params, so it is spared that one.
"""

import random
import time

from proxy.model.proof import compact_size
from proxy.native import Equihash
from proxy.sim.rig import Proof, Task
from proxy.wire.jsonrpc import encode


class AionPen:
    """Writes the params of a mining.submit.

    Args:
        worker: the name in the submits.
        against: who will judge: "sluice", "solo" or "p2".  Pools are spared what kills them.
    """

    def __init__(self, equihash: Equihash, worker: str, against: str) -> None:
        self._equihash = equihash
        self._worker = encode(worker)
        self._against = against
        self._size = compact_size(equihash.solution_bytes)

    def share(self, task: Task, proof: Proof, job_id: str) -> bytes:
        """Write a share: extranonce1 is left out of the nonce."""
        return self._raw(job_id, proof.nonce[len(task.prefix) :], proof.solution)

    def foreign(self, task: Task, proof: Proof) -> bytes:
        """Write a share with the whole nonce, which says that it is of another slice."""
        return self._raw(task.id, proof.nonce, proof.solution)

    def _raw(self, job_id: str, nonce: str, solution: str, size: str | None = None) -> bytes:
        return b'[%s,%s,"%016x","%s","%s%s"]' % (
            self._worker,
            encode(job_id),
            int(time.time()),
            nonce.encode(),
            (self._size if size is None else size).encode(),
            solution.encode(),
        )

    def malformed(self, task: Task, source: random.Random) -> bytes | None:
        """Write a share with wrong sizes, digits or types."""
        nonce = task.next_nonce()[len(task.prefix) :]
        solution = source.randbytes(self._equihash.solution_bytes).hex()
        job = encode(task.id)
        forms: list[bytes | None] = [
            # By more than the size in front of it, without which a solution may come, too.
            self._raw(task.id, nonce, solution[:-8]),
            self._raw(task.id, nonce, solution + "00"),
            self._raw(task.id, nonce, solution[:-1] + "g"),
            self._raw(task.id, nonce, ""),
            self._raw(task.id, nonce[:-2], solution),
            self._raw(task.id, nonce[:-1] + "x", solution),
            b'[%s,%s,"0000000000000000",7,"%s"]' % (self._worker, job, solution.encode()),
            b'[%s,%s,"0000000000000000","%s",null]' % (self._worker, job, nonce.encode()),
            b'[%s,%s,"0000000000000000",["%s"],{}]' % (self._worker, job, nonce.encode()),
            b'[%s,%s,"0000000000000000"]' % (self._worker, job),
            b"[]",
            b"{}",
        ]
        if self._against == "sluice":
            # A solo pool does not look at the size, and dies of a request without params.
            forms += [
                None,
                self._raw(task.id, nonce, solution, size="ff" * (len(self._size) // 2)),
                b'[%s,null,"0000000000000000","%s","%s"]' % (self._worker, nonce.encode(), solution.encode()),
            ]
        return source.choice(forms)
