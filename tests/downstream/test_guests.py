"""All miners of a process, seen from outside."""

from proxy.downstream.guests import DISCONNECTED, Guests
from tests.downstream.boards import opened


async def test_one_is_sent_away_and_the_others_stay() -> None:
    async with opened() as made:
        guests = Guests(made.board)
        assert guests.sessions() == []
        async with await made.connect() as one, await made.connect() as other:
            await one.log_in("rig1")
            await other.log_in("rig2")
            sessions = {session.worker: session for session in guests.sessions()}
            assert set(sessions) == {"rig1", "rig2"}
            assert guests.disconnect(sessions["rig1"].assignment.alias)
            await one.hear_rest()
            assert made.reasons() == {DISCONNECTED: 1}
            assert [session.worker for session in guests.sessions()] == ["rig2"]
            assert not guests.disconnect(sessions["rig1"].assignment.alias), "it has gone"
            assert not guests.disconnect("ffff")
            assert made.board.count() == {("farm", "aion"): 1}
