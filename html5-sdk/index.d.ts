// Types of @lens-media/sdk. `test/types.ts` checks that the modules in src/ have them.

/** A message of the signalling channel: `kind`, its fields, and `session` where there are many. */
export interface Signal {
  kind: string;
  session?: string;
  [field: string]: any;
}

interface TypedEvents<Events> {
  addEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: ((event: CustomEvent<Events[Type]>) => void) | null,
    options?: AddEventListenerOptions | boolean,
  ): void;
  removeEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: ((event: CustomEvent<Events[Type]>) => void) | null,
    options?: EventListenerOptions | boolean,
  ): void;
}

export type ChannelState = 'new' | 'connecting' | 'open' | 'lost' | 'closed';

export interface SignalingEvents {
  /** Each counted message of the server, once and in order. */
  signal: Signal;
  /** `resumed` with `open`; `reason` with `lost` and `closed`. */
  state: { state: ChannelState; reason?: string; resumed?: boolean };
}

/** The channel to the server: opens, resumes, re-sends, falls back to server-sent events. */
export interface SignalingClient extends TypedEvents<SignalingEvents> {
  readonly channel: string;
  readonly state: ChannelState;
  readonly carrier: 'websocket' | 'events';
  readonly ignored: number;
  open(): void;
  /** Resolves when the server has dealt with it; rejects with a `LensError` if it could not. */
  send(signal: Signal, options?: { signal?: AbortSignal }): Promise<void>;
  /** Says goodbye and ends the channel for good. Idempotent. */
  close(): void;
  networkFor(options?: { session?: string }): Network;
}

export const SignalingClient: new (options: {
  door: 'customer' | 'console';
  base?: string;
  ticket?: () => Promise<string>;
}) => SignalingClient;

/** What carries a participant's signals; a host program may bring its own. */
export interface Network {
  send(signal: Signal, options?: { signal?: AbortSignal }): Promise<void>;
  addEventListener(
    type: 'signal',
    listener: (event: CustomEvent<Signal>) => void,
    options?: { signal?: AbortSignal },
  ): void;
}

/** A `ParticipantOffer` of the server. */
export interface Offer {
  conference: string;
  participant: string;
  generation: number;
  negotiation_id: number;
  sdp: string;
  ice_servers?: RTCIceServer[];
  slots?: { mid: string; kind: string; source?: string | null }[];
}

export type ParticipantState =
  | 'new'
  | 'connecting'
  | 'connected'
  | 'reconnecting'
  | 'closed'
  | 'failed';

/** One line of a roster. */
export interface RosterEntry {
  participant: string;
  role: 'camera' | 'viewer';
  display_name: string;
  slots: { mid: string; kind: string }[];
}

/** What a viewer may ask of the camera's side. */
export type Command =
  | { command: 'torch'; on: boolean }
  /** 1 is the whole picture, at most 100. */
  | { command: 'zoom'; factor: number }
  | { command: 'freeze'; on: boolean }
  | { command: 'snapshot' }
  /** The other camera, or the one that is named. */
  | { command: 'switch_camera'; facing?: 'front' | 'back' };

/** `refused`: the customer does not want it. `unsupported`: their device cannot do it. */
export type CommandOutcome = 'done' | 'refused' | 'unsupported' | 'failed';

/** Something drawn on the camera's picture. */
export interface Annotation {
  /** The sender's own name for it; another with the same id replaces it. */
  id: number;
  shape: 'stroke' | 'arrow' | 'ellipse' | 'rectangle' | 'point' | 'text';
  /** 1 to 512 of `[x, y]`, each 0 to 1 from the left and upper edge of the picture as the camera
   * sent it, before rotation. */
  points: [number, number][];
  /** `#rrggbb`. */
  color?: string;
  /** Width of the line, as a part of the picture's width, 0 to 1. */
  width?: number;
  /** A label, at most 200 characters. */
  text?: string;
  /** The frame it was drawn on, in microseconds of the drawer's own count: ends count apart. It tells
   * drawings on one frozen picture from those on another, and does not find the frame elsewhere. */
  pts_us?: number;
}

export interface ParticipantEvents {
  /** `code` with `failed`. Nothing comes after `closed` or `failed`. */
  statechange: { state: ParticipantState; code?: string };
  /** Somebody is seen or heard, or a new generation exchanged their track in the same stream. */
  track: {
    kind: 'video' | 'audio';
    track: MediaStreamTrack;
    stream: MediaStream;
    participant: string;
    mid: string;
  };
  /** They are gone from their slot. */
  trackend: { kind: 'video' | 'audio'; mid: string; participant: string };
  roster: { participants: RosterEntry[] };
  /** A new generation has taken over. */
  generation: { generation: number };
  /** The server opened a data channel. */
  datachannel: { channel: RTCDataChannel };
  /**
   * This participant hears what is said from now on, and what they say is heard here. Told for each
   * of the others, and again after either side had a new connection. What is said before reaches
   * only those who hear already: chat, commands and drawings are kept by nobody.
   */
  talkready: { participant: string };
  /** Somebody says a line. `from` is what they say of themselves. */
  chat: { from: string; id: number; text: string };
  /** Somebody asks for something; answer with `replyCommand`. `from` is null when the server asks. */
  command: { id: number; from: string | null; command: Command };
  annotation: { from: string; annotation: Annotation };
  /** One of their drawings is gone, or all. */
  annotationclear: { from: string; id?: number };
  /** 60 s without connection: published tracks were stopped. Publish anew to go on. */
  capturestopped: Record<string, never>;
}

/** A worker that each encoded frame passes; see `src/transforms.js`. */
export interface FrameTransform {
  worker: Worker;
  options?: Record<string, unknown>;
}

/** Figures of the connection; null where unknown. */
export interface Stats {
  transport: 'udp' | 'tcp' | null;
  rttMs: number | null;
  lossPercent: number | null;
  kbps: number | null;
  width: number | null;
  height: number | null;
  framesPerSecond: number | null;
  codec: string | null;
  jitterMs: number | null;
  framesDecoded: number | null;
  freezeCount: number | null;
  direction: 'send' | 'receive' | null;
}

/** One endpoint in a conference. */
export interface Participant extends TypedEvents<ParticipantEvents> {
  readonly state: ParticipantState;
  readonly id: string | null;
  readonly generation: number;
  readonly participants: RosterEntry[];
  readonly dataChannel: RTCDataChannel | null;
  /** Takes an offer got elsewhere; those of the network arrive by themselves. */
  receive(offer: Offer): void;
  /** Asks for an offer, after the page was loaded anew or by a person's wish. */
  requestOffer(reason?: 'reload' | 'restart' | 'network' | 'failed'): void;
  publish(track: MediaStreamTrack): Promise<void>;
  unpublish(kind: 'video' | 'audio'): Promise<void>;
  /** Says a line of 1 to 2,000 characters; its id. Throws `would_block` while 64 messages wait. */
  sendChat(text: string): number;
  /** Rejects with `timeout` after a minute without an answer. */
  sendCommand(command: Command, options?: { signal?: AbortSignal }): Promise<CommandOutcome>;
  /** Answers a command of a `command` event. A second answer is ignored. */
  replyCommand(id: number, outcome: CommandOutcome): void;
  sendAnnotation(annotation: Annotation): void;
  /** One of our drawings, or all. */
  clearAnnotations(id?: number): void;
  /**
   * How large the picture is shown, in pixels of the screen: no larger one comes than that needs.
   * 0 for hidden, null for no limit.
   */
  setPictureSize(size: { height: number } | null): void;
  stats(): Promise<Stats>;
  /** Idempotent. Nothing is reported after the event that says so. */
  close(): void;
}

export const Participant: new (options: {
  network: Network;
  signal?: AbortSignal;
  senderTransform?: FrameTransform;
  receiverTransform?: FrameTransform;
}) => Participant;

/** Something went wrong, with a stable name for it. */
export class LensError extends Error {
  constructor(
    code: string,
    more?: { detail?: string; retryable?: boolean; cause?: unknown },
  );
  readonly code: string;
  readonly detail: string | undefined;
  readonly retryable: boolean;
  static fromResponse(response: Response): Promise<LensError>;
}

/** Code → whether the same call can succeed later. */
export const ERROR_CODES: Readonly<Record<string, boolean>>;

/** The secret of a session link, or null when it carries none. */
export function readSessionLink(link: string | URL | Location): string | null;

/** What the page may send of a link. */
export function deriveLinkSecrets(secret: string): Promise<{ lookup: string; auth: string }>;
