//! One suite per noun that every backend has to pass.
//!
//! A backend runs all of it by one line in its tests: `conformance_tests!(open)`, where `open` is
//! an async function that returns a new, empty store of all nouns (and what must live as long).

#![allow(
    clippy::unwrap_used,
    reason = "a suite is test code: a failure is reported by panicking"
)]

pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod conferences;
pub(crate) mod consents;
pub(crate) mod events;
pub(crate) mod idempotency;
pub(crate) mod invitations;
pub(crate) mod logins;
pub(crate) mod sample;
pub(crate) mod sessions;
pub(crate) mod settings;

use crate::{
    AccountStore, ApiKeyStore, ConsentStore, CustomerStore, EventStore, InvitationStore,
    LoginStore, SessionStore, SettingStore,
};

/// A backend of all nouns that share transactions or rows.
pub(crate) trait Everything:
    AccountStore
    + LoginStore
    + SettingStore
    + SessionStore
    + InvitationStore
    + CustomerStore
    + ConsentStore
    + EventStore
    + ApiKeyStore
{
}

impl<T> Everything for T where
    T: AccountStore
        + LoginStore
        + SettingStore
        + SessionStore
        + InvitationStore
        + CustomerStore
        + ConsentStore
        + EventStore
        + ApiKeyStore
{
}

/// One test for each behaviour of each noun, against the store that `$open` returns.
macro_rules! conformance_tests {
    ($open:path) => {
        $crate::conformance::conformance_tests! { @nouns $open;
            accounts {
                an_account_is_found_as_it_was_added
                an_email_belongs_to_one_account
                accounts_are_listed_by_email
                the_last_failure_of_the_row_locks_and_the_count_starts_anew
                a_failure_while_locked_does_not_lengthen_the_lock
                concurrent_failures_are_all_counted
                unlocking_clears_lock_and_count
                a_new_password_raises_the_epoch_and_clears_the_lock
                a_rehash_keeps_logins_and_yields_to_a_newer_password
                disabling_twice_raises_the_epoch_once
                the_last_administrator_cannot_be_disabled
                a_name_can_be_changed
                an_unknown_account_is_not_found
            }
            logins {
                a_login_counts_with_its_account
                a_token_is_kept_once
                a_login_ends_when_idle_and_in_any_case
                a_clock_set_back_takes_no_life_from_a_login
                a_disabled_locked_or_changed_account_gets_no_login
                a_browser_known_before_is_past_the_lock_which_stays
                disabling_or_a_new_password_ends_every_login
                signing_out_ends_one_login_or_all_of_a_technician
                rows_of_logins_that_are_over_are_removed
            }
            settings {
                set_up_makes_the_first_administrator_once
                a_wrong_replaced_or_late_set_up_token_changes_nothing
                a_set_up_that_fails_leaves_its_token_in_force
                of_two_set_ups_at_once_one_wins
                the_organisation_can_be_renamed
                a_server_secret_stays_what_it_was_first
                a_counter_never_says_the_same_twice
            }
            sessions {
                a_session_is_found_as_it_was_kept
                a_session_can_be_almost_empty
                only_the_form_that_was_read_can_be_replaced
                of_many_changes_at_once_one_wins
                an_unknown_session_is_not_found
                a_taken_pin_or_id_leaves_no_session_behind
                a_session_that_ends_takes_its_invitation_with_it
                sessions_are_listed_newest_first_up_to_the_limit
                lists_can_be_narrowed_to_ones_own_and_to_the_queue
                open_and_closed_sessions_are_told_apart
                every_word_of_a_query_must_occur_whatever_its_case
                a_query_follows_a_change
                a_session_is_found_by_its_conference
            }
            invitations {
                a_live_invitation_is_found_by_pin_link_and_session
                an_invitation_that_is_over_is_found_by_nobody
                redeeming_binds_one_browser_and_moves_the_session
                a_redeemed_pin_stays_its_owners_until_it_is_over
                a_second_browser_is_refused_and_changes_nothing
                of_many_browsers_at_once_one_redeems
                a_redemption_on_an_outdated_session_leaves_the_invitation_live
                an_invitation_of_another_session_is_not_redeemed_into_this_one
                a_new_invitation_ends_the_former_and_frees_its_pin
                a_taken_pin_leaves_the_former_invitation_live
                putting_out_ends_the_customers_credential_and_a_new_one_can_come
                a_customer_stays_known_after_the_session_ended
                pins_are_counted_while_they_have_an_owner
                invitations_that_are_over_are_ended_and_told_once
            }
            consents {
                a_consent_is_kept_word_for_word_and_moves_the_session
                only_the_customer_who_is_in_can_agree
                a_consent_to_an_outdated_session_is_not_kept
                a_consent_is_kept_once
            }
            events {
                events_come_back_in_the_order_of_their_commits
                pages_follow_each_other_without_gap_or_repetition
                a_page_has_a_highest_length
                sending_the_same_again_is_harmless
                another_event_with_the_same_number_is_a_clash_and_not_kept
                a_number_counts_per_session_source_and_life
                the_highest_number_of_a_life_is_told
                counters_up_to_the_last_bit_are_kept
                the_latest_of_a_kind_are_told_oldest_first
                a_page_after_an_event_of_another_session_is_not_found
                an_empty_batch_is_nothing
                every_life_of_a_writer_has_its_own_epoch
            }
            api_keys {
                a_key_is_found_as_it_was_added
                keys_are_listed_newest_first
                a_revoked_key_is_over_for_good
                the_use_of_a_key_is_noted
            }
        }
    };
    (@nouns $open:path; $($noun:ident { $($behaviour:ident)+ })+) => {$(
        mod $noun {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    let (store, _alive) = $open().await;
                    $crate::conformance::$noun::$behaviour(&store).await;
                }
            )+
        }
    )+};
}
pub(crate) use conformance_tests;
