/**
 * Shapes of the API and of signalling, as `protocol/src/session.rs`, `account.rs` and `signal.rs`
 * define them. Types only.
 */

/** @typedef {'created' | 'connecting' | 'waiting' | 'active' | 'on_hold' | 'reconnecting' | 'offline' | 'timed_out' | 'closed' | 'aborted'} SessionState */
/** @typedef {'customer' | 'technician' | 'node'} Trouble */
/** @typedef {'camera' | 'voice'} Capability */
/** @typedef {'off' | 'preview' | 'live' | 'paused' | 'paused_call' | 'paused_away' | 'denied' | 'missing' | 'busy' | 'lost'} CameraState */
/** @typedef {'solved' | 'not_solved' | 'follow_up' | 'wrong_number' | 'customer_left'} CloseReason */
/** @typedef {{ camera: CameraState, muted: boolean, facing?: string }} Presence */
/** @typedef {{ id: string, client_id?: string, from: 'customer' | 'technician', name: string, at: string, text: string }} ChatLine */
/** @typedef {{ first_name: string, name: string }} PublicTechnician */
/** @typedef {{ version: number, recorded: boolean, kept_days: number }} ConsentText */
/**
 * @typedef {object} CustomerView
 * @property {string} session
 * @property {SessionState} state
 * @property {Trouble | null} trouble
 * @property {string} organisation
 * @property {PublicTechnician} technician
 * @property {PublicTechnician[]} watchers
 * @property {ConsentText} consent
 * @property {Capability[] | null} agreed
 * @property {ChatLine[]} chat
 * @property {'customer' | 'technician' | 'timeout' | 'put_out' | null} ended_by
 * @property {string | null} started_at
 * @property {string | null} ended_at
 */
/** @typedef {{ id: string, name: string }} TechnicianRef */
/** @typedef {{ role: 'customer' | 'technician' | 'watching', name: string | null, technician: string | null, participant: string | null, connected: boolean }} Person */
/**
 * @typedef {object} SessionView
 * @property {string} id
 * @property {SessionState} state
 * @property {string} state_since
 * @property {Trouble | null} trouble
 * @property {string | null} reference
 * @property {string | null} customer_name
 * @property {string | null} customer_device
 * @property {Capability[]} capabilities
 * @property {Presence} presence
 * @property {boolean} customer_online
 * @property {TechnicianRef} created_by
 * @property {TechnicianRef | null} lead
 * @property {Person[]} people
 * @property {string} created_at
 * @property {string | null} started_at
 * @property {string | null} ended_at
 * @property {CloseReason | null} close_reason
 * @property {{ id: string, expires_at: string } | null} invitation
 * @property {string | null} conference
 */
/** @typedef {{ id: string, pin: string, pin_url: string, link: string, qr_svg: string, expires_at: string }} Invitation */
/** @typedef {{ session: SessionView, invitation: Invitation }} CreatedSession */
/** @typedef {{ id: string, email: string, name: string, role: 'technician' | 'administrator', disabled: boolean }} TechnicianView */
/** @typedef {{ technician: TechnicianView, organisation: string, pin_url: string }} Me */
/** @typedef {{ id: string, at: string, origin: string, kind: string, technician: string | null, actor: string | null, body: any }} SessionEvent */
/** @typedef {{ at: string, step: string }} TimelineEntry */
/**
 * @typedef {object} Timeline
 * @property {string} participant
 * @property {number} generation
 * @property {string} [node]
 * @property {TimelineEntry[]} steps
 * @property {string | null} cause
 * @property {{ transport: string | null, loss: number | null, rtt_ms: number | null, packets_in: number, bytes_in: number }} stats
 */
/** @typedef {{ session: SessionView, offer: any }} TakingPart */
/**
 * What `Participant.stats()` of the SDK answers; null where unknown.
 * @typedef {object} Stats
 * @property {'udp' | 'tcp' | null} transport
 * @property {number | null} rttMs
 * @property {number | null} lossPercent
 * @property {number | null} kbps
 * @property {number | null} width
 * @property {number | null} height
 * @property {number | null} framesPerSecond
 * @property {string | null} codec
 * @property {number | null} jitterMs
 * @property {number | null} framesDecoded
 * @property {number | null} freezeCount
 */

export {};
