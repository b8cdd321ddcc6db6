// @ts-check
/**
 * The error table: one stable code per thing that can go wrong. It equals the table of the server
 * (`protocol/src/error.rs`); a test compares them row by row.
 */

/**
 * Code → whether the same call can succeed later, unchanged.
 * @type {Readonly<Record<string, boolean>>}
 */
export const ERROR_CODES = Object.freeze({
  malformed_json: false,
  invalid_value: false,
  payload_too_large: false,
  unsupported_media_type: false,
  method_not_allowed: false,
  not_found: false,
  rate_limited: true,
  idempotency_mismatch: false,
  idempotency_in_flight: true,
  bad_origin: false,
  precondition_required: false,
  precondition_failed: false,
  not_signed_in: false,
  bad_credentials: false,
  forbidden: false,
  token_invalid: false,
  token_wrong_conference: false,
  ticket_invalid: false,
  setup_closed: false,
  weak_password: false,
  email_taken: false,
  session_not_found: false,
  invitation_not_found: false,
  invitation_taken: false,
  wrong_state: false,
  session_closed: false,
  already_started: false,
  consent_missing: false,
  consent_changed: false,
  conference_not_found: false,
  conference_ended: false,
  conference_full: false,
  role_taken: false,
  external_id_taken: false,
  participant_not_found: false,
  protocol_not_allowed: false,
  client_makes_offers: false,
  invalid_sdp: false,
  stale_generation: false,
  already_answered: false,
  stale_epoch: false,
  too_many_candidates: false,
  connect_timeout: true,
  media_timeout: true,
  media_failed: true,
  no_media_node: true,
  media_node_lost: true,
  node_draining: true,
  node_full: true,
  no_common_codec: false,
  ice_restart_refused: false,
  internal: true,
  unavailable: true,
  storage_failed: true,
  storage_full: true,
});

/** Something went wrong, with a stable name for it. */
export class LensError extends Error {
  /**
   * @param {string} code a name of `ERROR_CODES`; of a newer server perhaps an unknown one
   * @param {{ detail?: string, retryable?: boolean, cause?: unknown }} [more]
   */
  constructor(code, { detail, retryable, cause } = {}) {
    super(detail ? `${code}: ${detail}` : code, cause === undefined ? undefined : { cause });
    this.name = 'LensError';
    /** The stable name to program against. */
    this.code = code;
    /** What is particular to this case, in English, for developers. */
    this.detail = detail;
    /** Whether trying again can help. */
    this.retryable = retryable ?? ERROR_CODES[code] ?? false;
  }

  /**
   * Reads a problem answer (RFC 9457).
   * @param {Response} response
   * @returns {Promise<LensError>}
   */
  static async fromResponse(response) {
    let problem;
    try {
      problem = await response.json();
    } catch {
      problem = undefined;
    }
    if (typeof problem?.code === 'string') {
      const { code, detail, retryable } = problem;
      return new LensError(code, { detail, retryable });
    }
    return new LensError(response.status >= 500 ? 'unavailable' : 'internal', {
      detail: `HTTP ${response.status}`,
    });
  }
}
