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
