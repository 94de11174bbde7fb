/* What the page finds in its window, and its socket, as the contract has it. */

import type { io as dial, Socket } from "socket.io-client";
import type { ClientToServerEvents, ServerToClientEvents } from "./events.d.ts";

export type ChatSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

declare global {
  const io: typeof dial;
}
