//! The audit log: what is written into it.

use crate::account::named;
use serde::{Deserialize, Serialize};

named! {
    /// What was done.
    Action {
        ExportRequested = "export_requested", "Requested an export";
        ExportMade = "export_made", "Made an export";
        ExportFetched = "export_fetched", "Downloaded an export";
        ExportCancelled = "export_cancelled", "Cancelled an export";
        ExportDeleted = "export_deleted", "Deleted an export's file";
        FiguresFetched = "figures_fetched", "Downloaded figures";
        StatementFetched = "statement_fetched", "Downloaded a statement";
        StatementEventsFetched = "statement_events_fetched", "Took out the events of a month";
        ReportFetched = "report_fetched", "Downloaded a report";
        ReportDrafted = "report_drafted", "Drafted a report";
        ReportApproved = "report_approved", "Approved a report";
        ReportDiscarded = "report_discarded", "Discarded a draft";
        DisclosureOn = "disclosure_on", "Switched the public page on";
        DisclosureOff = "disclosure_off", "Switched the public page off";
        HistoryBegun = "history_begun", "Began to import history";
        HistoryImported = "history_imported", "Imported history";
        /// The file changed while its events came in: it begins anew.
        HistorySetBack = "history_set_back", "Set an import back to its beginning";
        HistoryWithdrawn = "history_withdrawn", "Withdrew an import";
        LinkMade = "link_made", "Made an access link";
        LinkUsed = "link_used", "Opened an access link";
        LinkRevoked = "link_revoked", "Revoked an access link";
        CustomerAdded = "customer_added", "Added a customer";
        CustomerChanged = "customer_changed", "Changed a customer";
        EventsGivenUp = "events_given_up", "Gave up old raw events";
        ApplicationAdded = "application_added", "Added an application";
        ApplicationRevoked = "application_revoked", "Revoked an application";
        ApplicationSuspended = "application_suspended", "Suspended an application";
        ApplicationResumed = "application_resumed", "Let an application go on";
        SecretMade = "secret_made", "Made a client secret";
        SecretRevoked = "secret_revoked", "Revoked a client secret";
        UserAdded = "user_added", "Added a user";
        UserChanged = "user_changed", "Changed a user";
        UserDisabled = "user_disabled", "Disabled a user";
        UserEnabled = "user_enabled", "Enabled a user";
        PasswordChanged = "password_changed", "Changed the own password";
        SignedIn = "signed_in", "Signed in";
        SignedOut = "signed_out", "Signed out";
        HelplineAdded = "helpline_added", "Added a helpline";
        HelplineChanged = "helpline_changed", "Changed a helpline";
        HelplinesImported = "helplines_imported", "Imported helplines";
        RateCardMade = "rate_card_made", "Made a rate card";
        RateCardVersionAdded = "rate_card_version_added", "Added a version of a rate card";
        RateCardVersionChanged = "rate_card_version_changed", "Changed a version of a rate card";
        RateCardAssigned = "rate_card_assigned", "Assigned a rate card";
        StatementIssued = "statement_issued", "Issued a statement";
        AlertMade = "alert_made", "Made an alert";
        AlertChanged = "alert_changed", "Changed an alert";
        AlertDeleted = "alert_deleted", "Deleted an alert";
        WebhookMade = "webhook_made", "Made a webhook endpoint";
        WebhookSecretMade = "webhook_secret_made", "Made another secret of a webhook endpoint";
        WebhookDisabled = "webhook_disabled", "Disabled a webhook endpoint";
        WebhookEnabled = "webhook_enabled", "Enabled a webhook endpoint";
        WebhookDeleted = "webhook_deleted", "Deleted a webhook endpoint";
        BackupBegun = "backup_begun", "Began a backup";
        BackupRestored = "backup_restored", "Restored a backup";
        CopyBegun = "copy_begun", "Began to copy all data to another database";
        /// What a later version wrote. Nothing is ever written down as this.
        Unknown = "unknown", "Did what this version does not know";
    }
}

named! {
    /// Actions of one kind, which the log can be narrowed to.
    ActionKind {
        /// Whatever leaves as a file.
        Exports = "exports", "Exports and downloads";
        Reports = "reports", "Reports and the public page";
        Imports = "imports", "Imports of history";
        Billing = "billing", "Rate cards and statements";
        Alerts = "alerts", "Alerts and endpoints";
        Customers = "customers", "Customers";
        Applications = "applications", "Applications and secrets";
        Users = "users", "Users";
        SignIns = "sign_ins", "Signing in and out";
        AccessLinks = "access_links", "Access links";
        Helplines = "helplines", "Helplines";
        Backups = "backups", "Backups and copies";
    }
}

impl Action {
    /// Which kind it is of; `None` of what is not known.
    #[must_use]
    pub const fn kind(self) -> Option<ActionKind> {
        Some(match self {
            Self::Unknown => return None,
            Self::ExportRequested
            | Self::ExportMade
            | Self::ExportFetched
            | Self::ExportCancelled
            | Self::ExportDeleted
            | Self::FiguresFetched
            | Self::StatementFetched
            | Self::StatementEventsFetched
            | Self::ReportFetched => ActionKind::Exports,
            Self::ReportDrafted
            | Self::ReportApproved
            | Self::ReportDiscarded
            | Self::DisclosureOn
            | Self::DisclosureOff => ActionKind::Reports,
            Self::HistoryBegun | Self::HistoryImported | Self::HistorySetBack | Self::HistoryWithdrawn => {
                ActionKind::Imports
            }
            Self::LinkMade | Self::LinkUsed | Self::LinkRevoked => ActionKind::AccessLinks,
            Self::CustomerAdded | Self::CustomerChanged | Self::EventsGivenUp => ActionKind::Customers,
            Self::ApplicationAdded
            | Self::ApplicationRevoked
            | Self::ApplicationSuspended
            | Self::ApplicationResumed
            | Self::SecretMade
            | Self::SecretRevoked => ActionKind::Applications,
            Self::UserAdded | Self::UserChanged | Self::UserDisabled | Self::UserEnabled | Self::PasswordChanged => {
                ActionKind::Users
            }
            Self::SignedIn | Self::SignedOut => ActionKind::SignIns,
            Self::HelplineAdded | Self::HelplineChanged | Self::HelplinesImported => ActionKind::Helplines,
            Self::BackupBegun | Self::BackupRestored | Self::CopyBegun => ActionKind::Backups,
            Self::RateCardMade
            | Self::RateCardVersionAdded
            | Self::RateCardVersionChanged
            | Self::RateCardAssigned
            | Self::StatementIssued => ActionKind::Billing,
            Self::AlertMade
            | Self::AlertChanged
            | Self::AlertDeleted
            | Self::WebhookMade
            | Self::WebhookSecretMade
            | Self::WebhookDisabled
            | Self::WebhookEnabled
            | Self::WebhookDeleted => ActionKind::Alerts,
        })
    }
}

impl ActionKind {
    /// The actions of this kind.
    pub fn actions(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| action.kind() == Some(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_name_is_of_one_action_and_fits_into_sql() {
        let names: HashSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        assert!(Action::ALL.iter().all(|action| Action::from_name(action.as_str()) == Some(*action)));
    }

    #[test]
    fn the_kinds_are_all_actions_parted() {
        let parts: Vec<Action> = ActionKind::ALL.iter().flat_map(|kind| kind.actions()).collect();
        assert_eq!(parts.iter().collect::<HashSet<_>>().len(), parts.len());
        assert_eq!(parts.len() + 1, Action::ALL.len(), "all but what is not known");
        assert!(ActionKind::ALL.iter().all(|kind| kind.actions().next().is_some()));
    }
}
