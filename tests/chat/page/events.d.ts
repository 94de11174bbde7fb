export interface ServerToClientEvents {
  "message": (message: Message, answer: (answer: boolean) => void) => void;
  "people": (change: Change) => void;
  "rooms": (rooms: Array<RoomLine>) => void;
  "seen": (seen: Sight) => void;
  "typing": (typist: Typist) => void;
}

export interface ClientToServerEvents {
  "join": (wish: Wish, answer: (answer: Entrance) => void) => void;
  "picture": (message: number, answer: (answer: ArrayBuffer | null) => void) => void;
  "say": (saying: Saying, answer: (answer: Delivery) => void) => void;
  "typing": (on: boolean) => void;
}

/**
 * Somebody came into a room or left it.
 */
export type Change = { people: Array<Person>, came?: string, left?: string, };

/**
 * The number of what was said.
 */
export type Delivered = { ok: true, id: number, };

/**
 * What comes of saying something.
 */
export type Delivery = Delivered | Refused;

/**
 * What comes of a wish to come in.
 */
export type Entrance = Welcome | Refused;

/**
 * A message, as it is sent and as a history holds it.
 */
export type Message = { id: number, 
/**
 * Chosen by the page that said it, so that what is sent again after a lost connection is not
 * said twice.
 */
key: string, from: string, nick: string, 
/**
 * Milliseconds of the Unix epoch, as JavaScript counts.
 */
at: number, text: string, picture: Picture | null, 
/**
 * How many have seen it.
 */
seen: number, };

/**
 * Somebody who is in.
 */
export type Person = { id: string, nick: string, };

/**
 * A picture; without its bytes in a history, from where pages ask for them one by one.
 */
export type Picture = { name: string, kind: string, data?: ArrayBuffer, };

/**
 * Why not, for people to read.
 */
export type Refused = { ok: false, error: string, };

/**
 * A room, and how many are in it.
 */
export type RoomLine = { name: string, people: number, };

/**
 * What is said.
 */
export type Saying = { key: string, text: string, picture: Picture | null, };

/**
 * How many have seen a message, of how many that it was shown to.
 */
export type Sight = { id: number, by: number, of: number, };

/**
 * Somebody who types, or has stopped.
 */
export type Typist = { id: string, nick: string, on: boolean, };

/**
 * What a page needs to show a room.
 */
export type Welcome = { ok: true, nick: string, id: string, room: string, boot: string, history: Array<Message>, people: Array<Person>, rooms: Array<RoomLine>, };

/**
 * What is asked for to come in.
 */
export type Wish = { nick: string, room: string, 
/**
 * The page's own secret: whoever knows it may take over the name from a connection that was lost
 * and not yet missed.
 */
key: string, };
