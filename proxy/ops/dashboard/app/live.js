// Keeps the figures coming: events over a WebSocket, and by asking while there is none.
//
//   live           the socket is open           asking         no socket; asked every few seconds
//   connecting     not known yet which of both   polling      asked, for the token cannot go with a socket
//   waiting        a token is needed            stale          neither has brought a summary for a while
//
// The trap: a socket that is open may be dead, so what counts is when the last summary came.

import { ApiError, eventsAddress, eventsProtocols, get } from "./api.js";

const ASK_EVERY = 3000; // milliseconds
const STALE_AFTER = 6000; // a summary comes each second, or every three by asking
const RETRY_FIRST = 1000;
const RETRY_MOST = 20_000;

export class Live {
  // hear(event) for each event, a polled summary too; state(name, since) when the state may have changed.
  constructor(hear, state, needsToken) {
    this.hear = hear;
    this.tellState = state;
    this.needsToken = needsToken;
    this.last = 0; // when the last summary came, our clock
    this.open = false;
    this.locked = false; // until there is another token
    this.wait = RETRY_FIRST;
    this.socket = null;
    this.retry = 0;
    this.tried = false; // whether a socket has opened or failed
  }

  start() {
    this.again();
    setInterval(() => this.watch(), 1000);
    // A telephone that wakes up must not show old figures for the rest of a back-off.
    addEventListener("online", () => this.again());
    document.addEventListener("visibilitychange", () => document.hidden || this.open || this.again());
  }

  // Begins anew, perhaps with another token; a question first, since a refused socket does not say why.
  async again() {
    this.locked = false;
    this.wait = RETRY_FIRST;
    await this.ask();
    if (!this.locked) this.connect();
  }

  connect() {
    clearTimeout(this.retry);
    this.drop();
    let socket;
    this.unable = false;
    try {
      socket = new WebSocket(eventsAddress(), eventsProtocols());
    } catch {
      this.unable = true; // a token with signs that no subprotocol may have
      return;
    }
    this.socket = socket;
    socket.onmessage = (message) => {
      this.open = this.tried = true;
      this.wait = RETRY_FIRST;
      this.take(message.data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.open = false;
      this.tried = true;
      this.state();
      if (!this.locked) this.later();
    };
  }

  drop() {
    const socket = this.socket;
    this.socket = null;
    this.open = false;
    socket?.close();
  }

  later() {
    // Not all pages of a control room at the same moment.
    this.retry = setTimeout(() => this.connect(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(this.wait * 2, RETRY_MOST);
  }

  take(data) {
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return;
    }
    if (event.type === "summary") this.last = Date.now();
    this.hear(event);
    this.state();
  }

  async ask() {
    if (this.locked || this.asking) return;
    this.asking = true;
    this.asked = Date.now();
    try {
      const summary = await get("summary");
      this.last = Date.now();
      this.hear({ type: "summary", at: summary.now, summary });
    } catch (fault) {
      if (fault instanceof ApiError && (fault.status === 401 || fault.status === 403)) {
        this.locked = true;
        clearTimeout(this.retry);
        this.drop();
        this.needsToken(fault.message);
      }
    } finally {
      this.asking = false;
      this.state();
    }
  }

  watch() {
    const fresh = Date.now() - this.last < STALE_AFTER;
    if (this.open && !fresh && this.last) this.connect();
    if (!(this.open && fresh) && Date.now() - (this.asked ?? 0) >= ASK_EVERY && !document.hidden) this.ask();
    this.state();
  }

  state() {
    if (this.locked) this.tellState("waiting", this.last);
    else if (this.last && Date.now() - this.last >= STALE_AFTER) this.tellState("stale", this.last);
    else this.tellState(this.open ? "live" : this.unable ? "polling" : this.tried ? "asking" : "connecting", this.last);
  }
}
