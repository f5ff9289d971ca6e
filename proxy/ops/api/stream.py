"""GET /api/v1/events: what happens, by WebSocket, one JSON object a message.

The trap: a browser cannot show a token but among the subprotocols, and gives up a connection of which it has
offered some and none is taken.
"""

import trio
from starlette.websockets import WebSocket, WebSocketDisconnect

from proxy.ops.api.answer import fault
from proxy.ops.events import Events, Subscriber, written
from proxy.ops.tokens import subprotocols
from proxy.version import __version__

SUBPROTOCOL = "sluice.events"


async def listen(events: Events, websocket: WebSocket) -> None:
    """Tell one subscriber all that happens, until it goes."""
    if events.is_full:
        response = fault(503, "too many listen to events already", {"Retry-After": "30"})
        await websocket.send_denial_response(response)
        return
    offered = subprotocols(websocket.headers)
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    with events.subscribe() as subscriber:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_tell, websocket, subscriber)
            await _until_gone(websocket)
            nursery.cancel_scope.cancel()


async def _tell(websocket: WebSocket, subscriber: Subscriber) -> None:
    try:
        await websocket.send_text(written("hello", version=__version__))
        while True:
            await websocket.send_text(await subscriber.next())
    except (WebSocketDisconnect, RuntimeError):
        return  # it has gone, as whoever waits for that will hear


async def _until_gone(websocket: WebSocket) -> None:
    """Hear its goodbye; whatever else it says is not for us."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
