"""What a simulated miner needs to speak a dialect, put together from its options.

Strategy: the one place that looks at which dialect it is.  The rest of the miner works with a link, a forge
and manners, whose kind it does not know.
"""

import random
from collections.abc import Callable

import attrs
import trio

from proxy.sim.aion_faults import AionPen
from proxy.sim.aion_link import AionLink, aion_manners
from proxy.sim.faults import Forge
from proxy.sim.link import Login, Manners, Memory, MinerLink
from proxy.sim.login_faults import BlobPen, LoginPen
from proxy.sim.login_link import LoginLink, login_manners
from proxy.sim.miner_options import MinerOptions
from proxy.sim.report import FarmReport
from proxy.sim.rig import Rig, hashing, solving
from proxy.sim.waiting import Changes

NewLink = Callable[[trio.abc.Stream, FarmReport, Memory, Changes], MinerLink]


@attrs.frozen
class Dialect:
    """A miner's half of a dialect.

    Args:
        link: makes a connection's end from its stream and what outlives it.
        forge: makes shares.
        manners: what its trouble looks like.
    """

    link: NewLink
    forge: Forge
    manners: Manners


def speak(options: MinerOptions, host: str, port: int, source: random.Random) -> Dialect:
    """Put a dialect together.

    Args:
        host, port: the server as the miner knows it.
        source: of what is random about its shares.
    """
    who = Login(
        options.user,
        options.password,
        options.agent,
        host,
        port,
        extranonce=options.extranonce_subscribe,
        rig=options.rig,
    )
    return (_login if options.dialect == "login" else _aion)(options, who, source)


def _aion(options: MinerOptions, who: Login, source: random.Random) -> Dialect:
    equihash = options.equihash
    rig = Rig(options.source or solving(equihash), options.all_solutions)
    pen = AionPen(equihash, options.user, options.against)

    def link(stream: trio.abc.Stream, report: FarmReport, memory: Memory, changes: Changes) -> MinerLink:
        return AionLink(
            stream,
            who,
            report,
            memory,
            changes,
            against=options.against,
            obeys_set_target=options.obeys_set_target,
            stale_may_pass=options.stale_may_pass,
            one_share_a_nonce=not options.all_solutions,
        )

    return Dialect(link, Forge(rig, source, pen, equihash), aion_manners(who))


def _login(options: MinerOptions, who: Login, source: random.Random) -> Dialect:
    equihash = None if options.blob else options.equihash
    proofs = options.source or (hashing if equihash is None else solving(equihash))
    rig = Rig(proofs, options.all_solutions)
    pen: LoginPen | BlobPen
    if equihash is None:
        pen = BlobPen(options.extra_members)
    else:
        pen = LoginPen(equihash, options.spelling, options.extra_members)
    # Apart from `source`: how many jobs come must not decide which shares are bad.
    starts = random.Random(options.seed)

    def link(stream: trio.abc.Stream, report: FarmReport, memory: Memory, changes: Changes) -> MinerLink:
        return LoginLink(
            stream,
            who,
            report,
            memory,
            changes,
            equihash=equihash,
            source=starts,
            keepalive_seconds=options.keepalive_seconds,
            against=options.against,
            stale_may_pass=options.stale_may_pass,
            one_share_a_nonce=not options.all_solutions,
        )

    return Dialect(link, Forge(rig, source, pen, equihash), login_manners(who, equihash))
